#include <string.h>

#include "base/encode.h"
#include "base/limits.h"
#include "crypto/hash.h"
#include "kms/root.h"
#include "kms/uuid.h"
#include "wire/json.h"

enum { VERSION = 1 };

void kms_root_file_clear(struct kms_root_file *file)
{
	buf_freep(&file->parameters);
}

/* Everything but the checksum. Values are ours or canonical already, and the names are in order, so that this is
 * canonical JSON. */
static int print_summed(const struct kms_root_file *file, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_str(into, "{\"check\":\"", reterr_why));
	TRY(base64_put(into, slice_of(file->check, sizeof file->check), reterr_why));
	TRY(buf_put_fmt(into, reterr_why, "\",\"installation\":\"%s\",\"parameters\":", file->installation));
	TRY(buf_put(into, buf_slice(file->parameters), reterr_why));
	return buf_put_fmt(into, reterr_why, ",\"provider\":\"%s\"", file->provider);
}

static int print_rest(const struct kms_root_file *file, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_fmt(into, reterr_why, ",\"v\":%d,\"wrapped\":\"", VERSION));
	TRY(base64_put(into, slice_of(file->wrapped, file->wrapped_len), reterr_why));
	return buf_put_str(into, "\"}", reterr_why);
}

/* SHA-256 over the canonical form without "sum": it shows damage, to anybody, and proves nothing against intent. */
static int compute_sum(const struct kms_root_file *file, char out[static 2 * SHA256_BYTES + 1], struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	uint8_t sum[SHA256_BYTES];

	TRY(buf_new(KMS_ROOT_FILE_BYTES_MAX, &text, reterr_why));
	TRY(print_summed(file, text, reterr_why));
	TRY(print_rest(file, text, reterr_why));
	sha256(buf_slice(text), sum);
	hex_encode(slice_of(sum, sizeof sum), out);
	return ERR_OK;
}

int kms_root_file_print(const struct kms_root_file *file, struct buf *into, struct why *reterr_why)
{
	char sum[2 * SHA256_BYTES + 1];

	TRY(compute_sum(file, sum, reterr_why));
	TRY(print_summed(file, into, reterr_why));
	TRY(buf_put_fmt(into, reterr_why, ",\"sum\":\"%s\"", sum));
	return print_rest(file, into, reterr_why);
}

static bool is_provider_name(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') && name[i] != '-')
			return false;
	return len > 0 && len < sizeof((struct kms_root_file *)0)->provider;
}

static int read_names(const json_t *object, struct kms_root_file *file, struct why *reterr_why)
{
	const char *installation, *provider;
	uint8_t id[UUID_BYTES];

	TRY(json_get_str(object, "installation", &installation, reterr_why));
	TRY(uuid_parse(slice_str(installation), id, reterr_why));
	TRY(slice_to_str(slice_str(installation), file->installation, sizeof file->installation, reterr_why));
	TRY(json_get_str(object, "provider", &provider, reterr_why));
	ENSURE(is_provider_name(provider), ERR_INVALID, reterr_why, "provider is not a name");
	return slice_to_str(slice_str(provider), file->provider, sizeof file->provider, reterr_why);
}

/* Exactly `size` bytes of base64, or at most that with `ret_len`. */
static int read_bytes(const json_t *object, const char *name, uint8_t *out, size_t size, size_t *ret_len,
                      struct why *reterr_why)
{
	const char *text;
	size_t len;

	TRY(json_get_str(object, name, &text, reterr_why));
	TRY(base64_decode(slice_str(text), out, size, &len, reterr_why));
	ENSURE(ret_len || len == size, ERR_INVALID, reterr_why, "%s has %zu bytes, not %zu", name, size, len);
	if (ret_len)
		*ret_len = len;
	return ERR_OK;
}

static int read_members(const json_t *object, struct kms_root_file *file, struct why *reterr_why)
{
	static const char *const known[] = {"check", "installation", "parameters", "provider", "sum",
	                                    "v",     "wrapped",      NULL};
	json_t *parameters;

	TRY(json_only_members(object, known, reterr_why));
	TRY(read_names(object, file, reterr_why));
	TRY(json_get_object(object, "parameters", &parameters, reterr_why));
	TRY(buf_new(KMS_ROOT_FILE_BYTES_MAX, &file->parameters, reterr_why));
	TRY(json_canonical_put(parameters, file->parameters, reterr_why));
	TRY(read_bytes(object, "check", file->check, sizeof file->check, NULL, reterr_why));
	return read_bytes(object, "wrapped", file->wrapped, sizeof file->wrapped, &file->wrapped_len, reterr_why);
}

static int check_sum(const json_t *object, const struct kms_root_file *file, struct why *reterr_why)
{
	char expected[2 * SHA256_BYTES + 1];
	const char *sum;

	TRY(json_get_str(object, "sum", &sum, reterr_why));
	TRY(compute_sum(file, expected, reterr_why));
	ENSURE(slice_is_str(slice_str(sum), expected), ERR_TAMPERED, reterr_why,
	       KMS_ROOT_FILE " is damaged: its checksum does not fit; restore it from a backup");
	return ERR_OK;
}

int kms_root_file_parse(struct slice json, struct kms_root_file *ret_file, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *object = NULL;
	CLEANUP(kms_root_file_clear) struct kms_root_file file = {0};
	int64_t version;

	TRY(json_read_object(json, &object, reterr_why));
	/* The version first: what else a newer file holds is not ours to judge. */
	TRY(json_get_int(object, "v", 1, INT64_MAX, &version, reterr_why));
	ENSURE(version <= VERSION, ERR_CONFLICT, reterr_why,
	       KMS_ROOT_FILE
	       " has version %lld and this program knows %d; use the cloister that wrote it or a newer one",
	       (long long)version, VERSION);
	TRY(read_members(object, &file, reterr_why));
	TRY(check_sum(object, &file, reterr_why));
	*ret_file = file;
	file.parameters = NULL;
	return ERR_OK;
}
