#include "seal/wrap_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/limits.h"

void seal_wrap_clear(struct seal_wrap *wrap)
{
	free((void *)(uintptr_t)wrap->ciphertext.ptr);
	json_decref(wrap->json);
	*wrap = (struct seal_wrap){0};
}

/* Base64 of exactly `size` bytes. */
static int read_exact(const json_t *json, const char *name, uint8_t *out, size_t size, struct why *reterr_why)
{
	const char *text;
	size_t len;

	TRY(json_get_str(json, name, &text, reterr_why));
	TRY(base64_decode(slice_str(text), out, size, &len, reterr_why));
	ENSURE(len == size, ERR_INVALID, reterr_why, "%s has %zu bytes, not %zu", name, size, len);
	return ERR_OK;
}

static int read_ciphertext(const json_t *json, struct seal_wrap *wrap, struct why *reterr_why)
{
	CLEANUP(free_p) uint8_t *bytes = NULL;
	const char *text;
	size_t len;

	TRY(json_get_str(json, "ciphertext", &text, reterr_why));
	bytes = malloc(SEAL_WRAP_CIPHERTEXT_BYTES_MAX);
	ENSURE(bytes, ERR_UNAVAILABLE, reterr_why, "out of memory for a wrap");
	TRY(base64_decode(slice_str(text), bytes, SEAL_WRAP_CIPHERTEXT_BYTES_MAX, &len, reterr_why));
	ENSURE(len > 0, ERR_INVALID, reterr_why, "ciphertext is empty");
	wrap->ciphertext = slice_of(take_ptr(bytes), len);
	return ERR_OK;
}

static int read_kms(const json_t *json, struct seal_wrap *wrap, struct why *reterr_why)
{
	static const char *const known[] = {"ciphertext", "key", "type", NULL};
	const char *key;

	TRY(json_only_members(json, known, reterr_why));
	TRY(json_get_str(json, "key", &key, reterr_why));
	ENSURE(*key && strlen(key) <= KMS_ARN_BYTES_MAX, ERR_INVALID, reterr_why,
	       "key has %zu characters; 1 to %d are accepted", strlen(key), KMS_ARN_BYTES_MAX);
	wrap->kind = SEAL_WRAP_KMS;
	wrap->key = slice_str(key);
	return read_ciphertext(json, wrap, reterr_why);
}

static int read_hpke(const json_t *json, struct seal_wrap *wrap, struct why *reterr_why)
{
	static const char *const known[] = {"ciphertext", "enc", "recipient", "type", NULL};
	const char *recipient;
	uint8_t digest[32];

	TRY(json_only_members(json, known, reterr_why));
	TRY(json_get_str(json, "recipient", &recipient, reterr_why));
	TRY(hex_decode(slice_str(recipient), digest, sizeof digest, reterr_why));
	hex_encode(slice_of(digest, sizeof digest), wrap->recipient);
	TRY(read_exact(json, "enc", wrap->enc, sizeof wrap->enc, reterr_why));
	wrap->kind = SEAL_WRAP_HPKE;
	return read_ciphertext(json, wrap, reterr_why);
}

static int read_kdf(const json_t *kdf, struct scrypt_cost *cost, struct why *reterr_why)
{
	static const char *const known[] = {"log_n", "name", "p", "r", "salt", NULL};
	int64_t log_n, r, p;
	const char *name;

	TRY(json_only_members(kdf, known, reterr_why));
	TRY(json_get_str(kdf, "name", &name, reterr_why));
	ENSURE(slice_is_str(slice_str(name), "scrypt"), ERR_INVALID, reterr_why, "kdf must be scrypt");
	TRY(json_get_int(kdf, "log_n", 0, UINT32_MAX, &log_n, reterr_why));
	TRY(json_get_int(kdf, "r", 8, 8, &r, reterr_why));
	TRY(json_get_int(kdf, "p", 0, UINT32_MAX, &p, reterr_why));
	ENSURE(log_n <= SEAL_SCRYPT_LOG_N_MAX && p <= SEAL_SCRYPT_P_MAX, ERR_LIMIT, reterr_why,
	       "the passphrase's cost (log_n %lld, p %lld) is more than this program spends on a file (%d, %d)",
	       (long long)log_n, (long long)p, SEAL_SCRYPT_LOG_N_MAX, SEAL_SCRYPT_P_MAX);
	cost->log_n = (uint32_t)log_n;
	cost->r = (uint32_t)r;
	cost->p = (uint32_t)p;
	return read_exact(kdf, "salt", cost->salt, sizeof cost->salt, reterr_why);
}

static int read_passphrase(const json_t *json, struct seal_wrap *wrap, struct why *reterr_why)
{
	static const char *const known[] = {"ciphertext", "kdf", "type", NULL};
	json_t *kdf;

	TRY(json_only_members(json, known, reterr_why));
	TRY(json_get_object(json, "kdf", &kdf, reterr_why));
	TRY(read_kdf(kdf, &wrap->cost, reterr_why));
	wrap->kind = SEAL_WRAP_PASSPHRASE;
	return read_ciphertext(json, wrap, reterr_why);
}

static int read_by_type(const json_t *json, struct seal_wrap *wrap, struct why *reterr_why)
{
	const char *type;

	TRY(json_get_str(json, "type", &type, reterr_why));
	if (slice_is_str(slice_str(type), "kms"))
		return read_kms(json, wrap, reterr_why);
	if (slice_is_str(slice_str(type), "hpke"))
		return read_hpke(json, wrap, reterr_why);
	if (slice_is_str(slice_str(type), "passphrase"))
		return read_passphrase(json, wrap, reterr_why);
	wrap->kind = SEAL_WRAP_UNKNOWN;
	return ERR_OK;
}

int seal_wrap_read(const json_t *json, struct seal_wrap *ret_wrap, struct why *reterr_why)
{
	CLEANUP(seal_wrap_clear) struct seal_wrap wrap = {0};

	ENSURE(json_is_object(json), ERR_INVALID, reterr_why, "a wrap must be an object");
	wrap.json = json_deep_copy(json);
	ENSURE(wrap.json, ERR_UNAVAILABLE, reterr_why, "out of memory for a wrap");
	TRY(read_by_type(wrap.json, &wrap, reterr_why));
	*ret_wrap = wrap;
	wrap = (struct seal_wrap){0};
	return ERR_OK;
}

int seal_wrap_kdf_new(const struct scrypt_cost *cost, json_t **ret_kdf, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *kdf = json_object();

	ENSURE(kdf, ERR_UNAVAILABLE, reterr_why, "out of memory for a wrap");
	TRY(json_set_str(kdf, "name", slice_str("scrypt"), reterr_why));
	TRY(json_set_int(kdf, "log_n", cost->log_n, reterr_why));
	TRY(json_set_int(kdf, "p", cost->p, reterr_why));
	TRY(json_set_int(kdf, "r", cost->r, reterr_why));
	TRY(json_set_base64(kdf, "salt", slice_of(cost->salt, sizeof cost->salt), reterr_why));
	*ret_kdf = take_ptr(kdf);
	return ERR_OK;
}

int seal_wrap_put_info(const char *kind, const uint8_t core_hash[static SEAL_HASH_BYTES], struct buf *into,
                       struct why *reterr_why)
{
	TRY(buf_put_lp(into, slice_str("cloister.sealed-wrap/v1"), reterr_why));
	TRY(buf_put_lp(into, slice_str(kind), reterr_why));
	return buf_put_lp(into, slice_of(core_hash, SEAL_HASH_BYTES), reterr_why);
}

int seal_wrap_put_passphrase_aad(const uint8_t core_hash[static SEAL_HASH_BYTES], const struct scrypt_cost *cost,
                                 struct buf *into, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *kdf = NULL;
	CLEANUP(buf_freep) struct buf *canonical = NULL;

	TRY(buf_new(512, &canonical, reterr_why));
	TRY(seal_wrap_kdf_new(cost, &kdf, reterr_why));
	TRY(json_canonical_put(kdf, canonical, reterr_why));
	TRY(seal_wrap_put_info("passphrase", core_hash, into, reterr_why));
	return buf_put_lp(into, buf_slice(canonical), reterr_why);
}
