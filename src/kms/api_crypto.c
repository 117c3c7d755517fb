#include "base/limits.h"
#include "kms/api_internal.h"

/* Operations that use a key: Encrypt, Decrypt, GenerateDataKey, GenerateRandom. */

static int read_context(const struct kms_api *api, struct kms_context **ret_context, struct why *reterr_why)
{
	json_t *map = NULL;
	int err;

	TRY(json_opt_object(api->request, "EncryptionContext", &map, reterr_why));
	err = kms_context_new(map, ret_context, reterr_why);
	return err_class(err) == ERR_LIMIT ? ERR_INVALID : err; /* a limit of the input, not of the account */
}

static int read_blob(const struct kms_api *api, struct buf **ret_blob, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *blob = NULL;
	int err;

	/* The API's own bound is 6,144 bytes; what is longer than ours is no ciphertext of ours. */
	TRY(buf_new(KMS_BLOB_BYTES_MAX, &blob, reterr_why));
	err = json_get_base64(api->request, "CiphertextBlob", blob, reterr_why);
	if (err_class(err) == ERR_LIMIT)
		return KMS_ERR_CIPHERTEXT;
	TRY(err);
	*ret_blob = take_ptr(blob);
	return ERR_OK;
}

static int set_algorithm(struct kms_api *api, const char *name, struct why *reterr_why)
{
	return json_set_str(api->response, name, slice_str("SYMMETRIC_DEFAULT"), reterr_why);
}

static int encrypt(struct kms_api *api, struct why *reterr_why)
{
	CLEANUP(kms_context_freep) struct kms_context *context = NULL;
	CLEANUP(secret_freep) struct secret *plain = NULL;
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	CLEANUP(buf_freep) struct buf *blob = NULL;
	struct slice ref;

	TRY(kms_api_text(api, "KeyId", &ref, reterr_why));
	TRY(kms_api_only_value(api, "EncryptionAlgorithm", "SYMMETRIC_DEFAULT", reterr_why));
	TRY(read_context(api, &context, reterr_why));
	TRY(json_get_base64_secret(api->request, "Plaintext", &plain, reterr_why));
	ENSURE(secret_len(plain) <= KMS_PLAINTEXT_BYTES_MAX, ERR_INVALID, reterr_why,
	       "Plaintext has %zu bytes; at most %d are accepted, larger data takes a data key", secret_len(plain),
	       KMS_PLAINTEXT_BYTES_MAX);
	TRY(buf_new(KMS_BLOB_BYTES_MAX, &blob, reterr_why));
	TRY(kms_encrypt(api->ks, api->call, ref, context, plain, blob, &key, reterr_why));
	TRY(json_set_base64(api->response, "CiphertextBlob", buf_slice(blob), reterr_why));
	TRY(set_algorithm(api, "EncryptionAlgorithm", reterr_why));
	return kms_api_set_key_id(api, &key, reterr_why);
}

static int decrypt(struct kms_api *api, struct why *reterr_why)
{
	CLEANUP(kms_context_freep) struct kms_context *context = NULL;
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	CLEANUP(buf_freep) struct buf *blob = NULL;
	struct slice ref;

	TRY(kms_api_opt_text(api, "KeyId", &ref, reterr_why));
	TRY(kms_api_only_value(api, "EncryptionAlgorithm", "SYMMETRIC_DEFAULT", reterr_why));
	TRY(read_context(api, &context, reterr_why));
	TRY(read_blob(api, &blob, reterr_why));
	TRY(kms_decrypt(api->ks, api->call, ref, context, buf_slice(blob), &api->plaintext, &key, reterr_why));
	TRY(set_algorithm(api, "EncryptionAlgorithm", reterr_why));
	return kms_api_set_key_id(api, &key, reterr_why);
}

/* KeySpec or NumberOfBytes, exactly one. */
static int read_data_key_len(const struct kms_api *api, size_t *ret_len, struct why *reterr_why)
{
	struct slice spec;
	int64_t len = 0;

	TRY(kms_api_opt_text(api, "KeySpec", &spec, reterr_why));
	TRY(json_opt_int(api->request, "NumberOfBytes", 1, KMS_DATA_KEY_BYTES_MAX, &len, reterr_why));
	ENSURE((spec.len != 0) != (len != 0), ERR_INVALID, reterr_why, "give either KeySpec or NumberOfBytes");
	ENSURE(!spec.len || slice_is_str(spec, "AES_256") || slice_is_str(spec, "AES_128"), ERR_INVALID, reterr_why,
	       "KeySpec must be AES_256 or AES_128");
	if (spec.len)
		len = slice_is_str(spec, "AES_256") ? 32 : 16;
	*ret_len = (size_t)len;
	return ERR_OK;
}

static int generate(struct kms_api *api, struct secret **ret_plain, struct why *reterr_why)
{
	CLEANUP(kms_context_freep) struct kms_context *context = NULL;
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	CLEANUP(buf_freep) struct buf *blob = NULL;
	struct slice ref;
	size_t len;

	TRY(kms_api_text(api, "KeyId", &ref, reterr_why));
	TRY(read_data_key_len(api, &len, reterr_why));
	TRY(read_context(api, &context, reterr_why));
	TRY(buf_new(KMS_BLOB_BYTES_MAX, &blob, reterr_why));
	TRY(kms_generate_data_key(api->ks, api->call, ref, context, len, blob, ret_plain, &key, reterr_why));
	TRY(json_set_base64(api->response, "CiphertextBlob", buf_slice(blob), reterr_why));
	return kms_api_set_key_id(api, &key, reterr_why);
}

static int generate_data_key(struct kms_api *api, struct why *reterr_why)
{
	return generate(api, &api->plaintext, reterr_why);
}

static int generate_data_key_without_plaintext(struct kms_api *api, struct why *reterr_why)
{
	return generate(api, NULL, reterr_why);
}

static int generate_random(struct kms_api *api, struct why *reterr_why)
{
	int64_t len;

	TRY(json_get_int(api->request, "NumberOfBytes", 1, KMS_DATA_KEY_BYTES_MAX, &len, reterr_why));
	return kms_generate_random(api->call, (size_t)len, &api->plaintext, reterr_why);
}

static const char *const encrypt_members[] = {"EncryptionAlgorithm", "EncryptionContext", "KeyId", "Plaintext", NULL};
static const char *const decrypt_members[] = {"CiphertextBlob", "EncryptionAlgorithm", "EncryptionContext", "KeyId",
                                              NULL};
static const char *const generate_members[] = {"EncryptionContext", "KeyId", "KeySpec", "NumberOfBytes", NULL};
static const char *const random_members[] = {"NumberOfBytes", NULL};

const struct kms_api_operation kms_api_crypto_operations[] = {
	{"Decrypt", true, decrypt_members, decrypt},
	{"Encrypt", true, encrypt_members, encrypt},
	{"GenerateDataKey", true, generate_members, generate_data_key},
	{"GenerateDataKeyWithoutPlaintext", true, generate_members, generate_data_key_without_plaintext},
	{"GenerateRandom", true, random_members, generate_random},
	{0},
};
