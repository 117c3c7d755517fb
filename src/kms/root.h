/* root.h: the installation's root key: how it lies on disk, how it is unsealed, and the keys derived from it
 * (docs/protocol/keys.md 1 and 2).
 *
 * The root key is random and never changes; what wraps it does. An unseal provider gives the key that wraps it: from a
 * passphrase (below), later from a TPM or from shares. root.json holds the wrapped key and what the provider needs to
 * give its key again. */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

#define KMS_ROOT_FILE "root.json"
#define KMS_UUID_BYTES 37 /* text, with its NUL */

/* A way to get the key that wraps the root. Its parameters are one JSON object, stored beside what they wrap and
 * authenticated with it. */
struct kms_unseal {
	const char *name; /* as root.json names it: "passphrase", "tpm" */

	/* A fresh wrapping key of 32 bytes, and the parameters to get it again, appended to `into`. */
	int (*enrol)(void *self, struct buf *into, struct secret **ret_key, struct why *reterr_why);

	/* The same key from parameters that somebody may have altered. A wrong secret need not be noticed here. */
	int (*recover)(void *self, struct slice parameters, struct secret **ret_key, struct why *reterr_why);
	void *self;
};

/* Provider "passphrase": scrypt. The passphrase is borrowed for as long as the provider is used. */
struct kms_unseal kms_unseal_passphrase(struct secret *passphrase);

/* The unsealed root. */
struct kms_root;

/* Makes a new root key and installation id, and writes root.json into the directory, durably. ERR_CONFLICT if one is
 * there already: it is never overwritten. */
MUST_USE int kms_root_create(int dir_fd, const struct kms_unseal *unseal, struct kms_root **ret_root,
                             struct why *reterr_why);

/* Unseals. ERR_DENIED: wrong passphrase (or, which looks the same, a file altered by somebody who also corrected its
 * checksum). ERR_TAMPERED: the file is damaged, or the passphrase is right and the rest does not fit it. ERR_CONFLICT:
 * made by a newer program, or for another provider. ERR_NOTFOUND: no root.json. */
MUST_USE int kms_root_open(int dir_fd, const struct kms_unseal *unseal, struct kms_root **ret_root,
                           struct why *reterr_why);

/* Wraps the same root under another provider or passphrase: the file is replaced, durably; the old one opens no more.
 */
MUST_USE int kms_root_rewrap(int dir_fd, const struct kms_root *root, const struct kms_unseal *unseal,
                             struct why *reterr_why);

/* Which provider root.json asks for, so that a program knows what to prompt for. Static text or ERR_CONFLICT. */
MUST_USE int kms_root_provider(int dir_fd, char out[static 16], struct why *reterr_why);

void kms_root_free(struct kms_root *root);
void kms_root_freep(struct kms_root **root);

/* The installation's id, a UUID; borrowed. Public. */
const char *kms_root_installation(const struct kms_root *root);

/* What the root is used for: one label each, so that no two uses share a key. */
enum kms_root_use {
	KMS_ROOT_EPOCH,       /* wraps the epoch key */
	KMS_ROOT_ROWS,        /* authenticates the rows of the keys database */
	KMS_ROOT_IAM,         /* wraps secret access keys */
	KMS_ROOT_SESSION,     /* seals session tokens */
	KMS_ROOT_BROKER_HPKE, /* the private half of the broker's HPKE key, as X25519 takes it */
	KMS_ROOT_BROKER_SIGN, /* the seed of the broker's Ed25519 key */
	KMS_ROOT_CA,          /* wraps the private key of the installation's CA */
	KMS_ROOT_RECORDS,     /* per-account keys that seal log records; context: account, hour */
	KMS_ROOT_BUCKET,      /* bucket keys and their epochs; context: bucket id */
	KMS_ROOT_BACKUP,      /* wraps the key of a backup; context: backup id */
	KMS_ROOT_USES,
};

/* A key of 32 bytes for one use and context (may be empty): HKDF-SHA-256, salt = installation id. */
MUST_USE int kms_root_derive(const struct kms_root *root, enum kms_root_use use, struct slice context,
                             struct secret **ret_key, struct why *reterr_why);

/* The file's content, pure, for the fuzzer and for kms_root_open(): everything that can be checked without the key.
 * Slices are borrowed from the caller's buffers. */
struct kms_root_file {
	char installation[KMS_UUID_BYTES];
	char provider[16];
	uint8_t check[32];
	uint8_t wrapped[96];
	size_t wrapped_len;
	struct buf *parameters; /* canonical JSON; kms_root_file_clear() frees it */
};
MUST_USE int kms_root_file_parse(struct slice json, struct kms_root_file *ret_file, struct why *reterr_why);
MUST_USE int kms_root_file_print(const struct kms_root_file *file, struct buf *into, struct why *reterr_why);
void kms_root_file_clear(struct kms_root_file *file);
