#include "base/encode.h"
#include "crypto/kdf.h"
#include "kms/root.h"
#include "wire/json.h"

/* The passphrase of a person: {"kdf":"scrypt","log_n":17,"p":1,"r":8,"salt":"<b64>"}. */

static int enrol(void *self, struct buf *into, struct secret **ret_key, struct why *reterr_why)
{
	struct scrypt_cost cost;

	TRY(scrypt_cost_new(&cost, reterr_why));
	TRY(buf_put_fmt(into, reterr_why, "{\"kdf\":\"scrypt\",\"log_n\":%u,\"p\":%u,\"r\":%u,\"salt\":\"", cost.log_n,
	                cost.p, cost.r));
	TRY(base64_put(into, slice_of(cost.salt, sizeof cost.salt), reterr_why));
	TRY(buf_put_str(into, "\"}", reterr_why));
	return scrypt_derive(self, &cost, ret_key, reterr_why);
}

static int read_cost(struct slice parameters, struct scrypt_cost *ret_cost, struct why *reterr_why)
{
	static const char *const known[] = {"kdf", "log_n", "p", "r", "salt", NULL};
	CLEANUP(json_freep) json_t *object = NULL;
	const char *kdf, *salt;
	int64_t log_n, r, p;
	size_t salt_len;

	TRY(json_read_object(parameters, &object, reterr_why));
	TRY(json_only_members(object, known, reterr_why));
	TRY(json_get_str(object, "kdf", &kdf, reterr_why));
	ENSURE(slice_is_str(slice_str(kdf), "scrypt"), ERR_CONFLICT, reterr_why,
	       "the passphrase is stretched by %.32s, which this program does not know; use a newer cloister", kdf);
	TRY(json_get_int(object, "log_n", 0, UINT32_MAX, &log_n, reterr_why));
	TRY(json_get_int(object, "r", 0, UINT32_MAX, &r, reterr_why));
	TRY(json_get_int(object, "p", 0, UINT32_MAX, &p, reterr_why));
	TRY(json_get_str(object, "salt", &salt, reterr_why));
	TRY(base64_decode(slice_str(salt), ret_cost->salt, sizeof ret_cost->salt, &salt_len, reterr_why));
	ENSURE(salt_len == sizeof ret_cost->salt, ERR_INVALID, reterr_why, "salt has %zu bytes, not %zu",
	       sizeof ret_cost->salt, salt_len);
	ret_cost->log_n = (uint32_t)log_n;
	ret_cost->r = (uint32_t)r;
	ret_cost->p = (uint32_t)p;
	return ERR_OK;
}

static int recover(void *self, struct slice parameters, struct secret **ret_key, struct why *reterr_why)
{
	struct scrypt_cost cost;

	TRY(read_cost(parameters, &cost, reterr_why));
	return scrypt_derive(self, &cost, ret_key, reterr_why);
}

struct kms_unseal kms_unseal_passphrase(struct secret *passphrase)
{
	return (struct kms_unseal){.name = "passphrase", .enrol = enrol, .recover = recover, .self = passphrase};
}
