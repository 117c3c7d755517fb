#include "kms/root.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/limits.h"
#include "crypto/kdf.h"
#include "crypto/xaes.h"
#include "kms/uuid.h"

enum { ROOT_KEY_BYTES = 32 };

struct kms_root {
	struct secret *key;
	char installation[KMS_UUID_BYTES];
};

/* In the order of enum kms_root_use. A label is never changed and never given to another use. */
static const char *const use_labels[KMS_ROOT_USES] = {
	[KMS_ROOT_EPOCH] = "cloister.root.epoch/v1",
	[KMS_ROOT_ROWS] = "cloister.root.rows/v1",
	[KMS_ROOT_IAM] = "cloister.root.iam/v1",
	[KMS_ROOT_SESSION] = "cloister.root.session/v1",
	[KMS_ROOT_BROKER_HPKE] = "cloister.root.broker-hpke/v1",
	[KMS_ROOT_BROKER_SIGN] = "cloister.root.broker-sign/v1",
	[KMS_ROOT_CA] = "cloister.root.ca/v1",
	[KMS_ROOT_RECORDS] = "cloister.root.records/v1",
	[KMS_ROOT_BUCKET] = "cloister.root.bucket/v1",
	[KMS_ROOT_BACKUP] = "cloister.root.backup/v1",
};

/* From the provider's key: one key that wraps the root, and a value that tells a wrong passphrase from an altered file.
 * The latter gives a guesser nothing that the wrap does not give. */
static int split_key(const struct secret *provider_key, struct secret **ret_wrap_key, struct secret **ret_check,
                     struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *wrap_key = NULL;

	TRY(hkdf_expand(HASH_SHA256, provider_key, slice_str("cloister.root-wrap/v1"), 32, &wrap_key, reterr_why));
	TRY(hkdf_expand(HASH_SHA256, provider_key, slice_str("cloister.root-check/v1"), 32, ret_check, reterr_why));
	*ret_wrap_key = take_ptr(wrap_key);
	return ERR_OK;
}

/* The wrap is good for this installation, provider and parameters only. */
static int put_aad(const struct kms_root_file *file, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_lp(into, slice_str("cloister.root-file/v1"), reterr_why));
	TRY(buf_put_lp(into, slice_str(file->installation), reterr_why));
	TRY(buf_put_lp(into, slice_str(file->provider), reterr_why));
	return buf_put_lp(into, buf_slice(file->parameters), reterr_why);
}

static int seal_into_file(const struct kms_root *root, const struct kms_unseal *unseal, struct kms_root_file *file,
                          struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *provider_key = NULL;
	CLEANUP(secret_freep) struct secret *wrap_key = NULL;
	CLEANUP(secret_freep) struct secret *check = NULL;
	CLEANUP(buf_freep) struct buf *aad = NULL;
	CLEANUP(buf_freep) struct buf *wrapped = NULL;

	TRY(buf_new(KMS_ROOT_FILE_BYTES_MAX, &file->parameters, reterr_why));
	TRY(buf_new(KMS_ROOT_FILE_BYTES_MAX, &aad, reterr_why));
	TRY(buf_new(sizeof file->wrapped, &wrapped, reterr_why));
	TRY(slice_to_str(slice_str(root->installation), file->installation, sizeof file->installation, reterr_why));
	TRY(slice_to_str(slice_str(unseal->name), file->provider, sizeof file->provider, reterr_why));
	TRY(unseal->enrol(unseal->self, file->parameters, &provider_key, reterr_why));
	TRY(split_key(provider_key, &wrap_key, &check, reterr_why));
	TRY(put_aad(file, aad, reterr_why));
	TRY(xaes_seal(wrap_key, buf_slice(aad), slice_of(secret_peek(root->key), secret_len(root->key)), wrapped,
	              reterr_why));
	/* The check value is derived from the provider's key by a one-way function, to lie in the file in clear. */
	memcpy(file->check, secret_peek(check), sizeof file->check);
	file->wrapped_len = buf_len(wrapped);
	memcpy(file->wrapped, buf_slice(wrapped).ptr, file->wrapped_len);
	return ERR_OK;
}

static int print_file(const struct kms_root *root, const struct kms_unseal *unseal, struct buf *into,
                      struct why *reterr_why)
{
	CLEANUP(kms_root_file_clear) struct kms_root_file file = {0};

	TRY(seal_into_file(root, unseal, &file, reterr_why));
	TRY(kms_root_file_print(&file, into, reterr_why));
	return buf_put_str(into, "\n", reterr_why);
}

int kms_root_create(int dir_fd, const struct kms_unseal *unseal, struct kms_root **ret_root, struct why *reterr_why)
{
	CLEANUP(kms_root_freep) struct kms_root *root = calloc(1, sizeof *root);
	CLEANUP(buf_freep) struct buf *text = NULL;
	uint8_t id[UUID_BYTES];

	ENSURE(root, ERR_UNAVAILABLE, reterr_why, "out of memory for the root key");
	TRY(secret_new_random(ROOT_KEY_BYTES, &root->key, reterr_why));
	TRY(uuid_new(id, reterr_why));
	uuid_print(id, root->installation);
	TRY(buf_new(KMS_ROOT_FILE_BYTES_MAX, &text, reterr_why));
	TRY(print_file(root, unseal, text, reterr_why));
	TRY(file_create(dir_fd, KMS_ROOT_FILE, 0600, buf_slice(text), reterr_why));
	*ret_root = take_ptr(root);
	return ERR_OK;
}

int kms_root_rewrap(int dir_fd, const struct kms_root *root, const struct kms_unseal *unseal, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;

	TRY(buf_new(KMS_ROOT_FILE_BYTES_MAX, &text, reterr_why));
	TRY(print_file(root, unseal, text, reterr_why));
	return file_replace(dir_fd, KMS_ROOT_FILE, 0600, buf_slice(text), reterr_why);
}

static int read_file(int dir_fd, struct kms_root_file *ret_file, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	int err;

	TRY(buf_new(KMS_ROOT_FILE_BYTES_MAX, &text, reterr_why));
	TRY(file_read(dir_fd, KMS_ROOT_FILE, text, reterr_why));
	err = kms_root_file_parse(buf_slice(text), ret_file, reterr_why);
	if (err_class(err) == ERR_INVALID || err_class(err) == ERR_LIMIT) {
		why_prefix(reterr_why, KMS_ROOT_FILE " is damaged; restore it from a backup: ");
		return ERR_TAMPERED;
	}
	return err;
}

/* Which of the two is wrong, the secret or the file? Only a key whose check value fits is the right one. */
static int unwrap(const struct kms_root_file *file, const struct secret *provider_key, struct secret **ret_key,
                  struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *wrap_key = NULL;
	CLEANUP(secret_freep) struct secret *check = NULL;
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(buf_freep) struct buf *aad = NULL;
	bool check_fits;
	int err;

	TRY(buf_new(KMS_ROOT_FILE_BYTES_MAX, &aad, reterr_why));
	TRY(split_key(provider_key, &wrap_key, &check, reterr_why));
	TRY(put_aad(file, aad, reterr_why));
	check_fits = bytes_equal_ct(secret_peek(check), file->check, sizeof file->check);
	err = xaes_open(wrap_key, buf_slice(aad), slice_of(file->wrapped, file->wrapped_len), &key, reterr_why);
	if (err_class(err) == ERR_UNAVAILABLE || err_class(err) == ERR_LIMIT)
		return err; /* memory, which says nothing about the secret */
	ENSURE(err == ERR_OK || check_fits, ERR_DENIED, reterr_why,
	       "wrong %s for this installation; nothing was changed", file->provider);
	ENSURE(err == ERR_OK && check_fits && secret_len(key) == ROOT_KEY_BYTES, ERR_TAMPERED, reterr_why,
	       "the %s is right, but " KMS_ROOT_FILE " was altered; restore it from a backup", file->provider);
	*ret_key = take_ptr(key);
	return ERR_OK;
}

int kms_root_open(int dir_fd, const struct kms_unseal *unseal, struct kms_root **ret_root, struct why *reterr_why)
{
	CLEANUP(kms_root_file_clear) struct kms_root_file file = {0};
	CLEANUP(secret_freep) struct secret *provider_key = NULL;
	CLEANUP(kms_root_freep) struct kms_root *root = NULL;

	TRY(read_file(dir_fd, &file, reterr_why));
	ENSURE(slice_is_str(slice_str(file.provider), unseal->name), ERR_CONFLICT, reterr_why,
	       "this installation is unsealed by %s, and %s was tried", file.provider, unseal->name);
	TRY(unseal->recover(unseal->self, buf_slice(file.parameters), &provider_key, reterr_why));
	root = calloc(1, sizeof *root);
	ENSURE(root, ERR_UNAVAILABLE, reterr_why, "out of memory for the root key");
	TRY(unwrap(&file, provider_key, &root->key, reterr_why));
	memcpy(root->installation, file.installation, sizeof root->installation);
	*ret_root = take_ptr(root);
	return ERR_OK;
}

int kms_root_provider(int dir_fd, char out[static 16], struct why *reterr_why)
{
	CLEANUP(kms_root_file_clear) struct kms_root_file file = {0};

	TRY(read_file(dir_fd, &file, reterr_why));
	memcpy(out, file.provider, sizeof file.provider);
	return ERR_OK;
}

void kms_root_free(struct kms_root *root)
{
	if (!root)
		return;
	secret_free(root->key);
	free(root);
}

void kms_root_freep(struct kms_root **root)
{
	kms_root_free(*root);
	*root = NULL;
}

const char *kms_root_installation(const struct kms_root *root)
{
	return root->installation;
}

int kms_root_derive(const struct kms_root *root, enum kms_root_use use, struct slice context, struct secret **ret_key,
                    struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *info = NULL;

	ENSURE(use >= 0 && use < KMS_ROOT_USES, ERR_INTERNAL, reterr_why, "the root key has no use %d", (int)use);
	TRY(buf_new(KMS_CONTEXT_BYTES_MAX, &info, reterr_why));
	TRY(buf_put_lp(info, slice_str(use_labels[use]), reterr_why));
	TRY(buf_put_lp(info, context, reterr_why));
	return hkdf(HASH_SHA256, root->key, slice_str(root->installation), buf_slice(info), 32, ret_key, reterr_why);
}
