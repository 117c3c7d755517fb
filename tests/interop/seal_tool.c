/* seal_tool: drives the sealed-file and KMS-blob libraries from a test in another language.
 *
 *     seal_tool seal KEYHEX PASSPHRASE RECIPIENTHEX < plain > sealed     wraps for both; KEYHEX is the data key
 *     seal_tool open-passphrase PASSPHRASE < sealed > plain
 *     seal_tool open-hpke PRIVATEHEX < sealed > plain
 *     seal_tool blob-seal KEYHEX IDHEX VERSION CONTEXT < plain > blob    CONTEXT is canonical JSON
 *     seal_tool blob-open KEYHEX CONTEXT < blob > plain */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/fd.h"
#include "base/limits.h"
#include "kms/blob.h"
#include "seal/seal.h"

static int secret_from_hex(const char *hex, struct secret **ret_secret, struct why *reterr_why)
{
	size_t len = strlen(hex) / 2;

	TRY(secret_new(len, ret_secret, reterr_why));
	return hex_decode(slice_str(hex), secret_bytes(*ret_secret), len, reterr_why);
}

static int seal(char **args, struct why *reterr_why)
{
	const struct scrypt_cost cost = {.salt = {1, 2, 3}, .log_n = 14, .r = 8, .p = 1};
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(secret_freep) struct secret *passphrase = NULL;
	CLEANUP(seal_wraps_freep) struct seal_wraps *wraps = NULL;
	CLEANUP(buf_freep) struct buf *json = NULL;
	uint8_t hash[SEAL_HASH_BYTES], recipient[HPKE_PUBLIC_BYTES];
	struct seal_options options = {.threads = 2};
	struct seal_totals totals;
	struct seal_core core;

	TRY(secret_from_hex(args[0], &key, reterr_why));
	TRY(secret_new_from(slice_str(args[1]), &passphrase, reterr_why));
	TRY(hex_decode(slice_str(args[2]), recipient, sizeof recipient, reterr_why));
	TRY(seal_core_new("text/csv", 1795376000000, &core, reterr_why));
	TRY(buf_new(SEAL_CORE_BYTES_MAX, &json, reterr_why));
	TRY(seal_core_print(&core, json, reterr_why));
	seal_core_hash(buf_slice(json), hash);
	TRY(seal_wraps_new(&wraps, reterr_why));
	TRY(seal_wraps_add_passphrase(wraps, hash, passphrase, &cost, key, reterr_why));
	TRY(seal_wraps_add_hpke(wraps, hash, recipient, key, reterr_why));
	return seal_stream(&core, wraps, key, STDIN_FILENO, STDOUT_FILENO, &options, &totals, reterr_why);
}

static int by_passphrase(void *self, const struct seal_wrap *wrap, const uint8_t hash[static SEAL_HASH_BYTES],
                         struct secret **ret_key, struct why *reterr_why)
{
	return seal_wrap_open_passphrase(wrap, hash, self, ret_key, reterr_why);
}

static int by_private_key(void *self, const struct seal_wrap *wrap, const uint8_t hash[static SEAL_HASH_BYTES],
                          struct secret **ret_key, struct why *reterr_why)
{
	return seal_wrap_open_hpke(wrap, hash, self, ret_key, reterr_why);
}

static int open_sealed(struct seal_key_source source, struct why *reterr_why)
{
	struct seal_options options = {.threads = 2};
	struct seal_totals totals;

	return seal_open_stream(STDIN_FILENO, STDOUT_FILENO, NULL, &source, &options, &totals, reterr_why);
}

static int open_passphrase(char **args, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *passphrase = NULL;

	TRY(secret_new_from(slice_str(args[0]), &passphrase, reterr_why));
	return open_sealed((struct seal_key_source){by_passphrase, passphrase}, reterr_why);
}

static int open_hpke(char **args, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *private_key = NULL;

	TRY(secret_from_hex(args[0], &private_key, reterr_why));
	return open_sealed((struct seal_key_source){by_private_key, private_key}, reterr_why);
}

static int blob_seal(char **args, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(buf_freep) struct buf *plain = NULL;
	CLEANUP(buf_freep) struct buf *blob = NULL;
	uint8_t id[UUID_BYTES];

	TRY(secret_from_hex(args[0], &key, reterr_why));
	TRY(hex_decode(slice_str(args[1]), id, sizeof id, reterr_why));
	TRY(buf_new(KMS_PLAINTEXT_BYTES_MAX, &plain, reterr_why));
	TRY(buf_new(KMS_BLOB_BYTES_MAX, &blob, reterr_why));
	TRY(fd_read_to_end(STDIN_FILENO, plain, reterr_why));
	TRY(kms_blob_seal(key, id, (uint32_t)strtoul(args[2], NULL, 10), slice_str(args[3]), buf_slice(plain), blob,
	                  reterr_why));
	return fd_write_all(STDOUT_FILENO, buf_slice(blob), reterr_why);
}

static int blob_open(char **args, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(secret_freep) struct secret *plain = NULL;
	CLEANUP(buf_freep) struct buf *bytes = NULL;
	struct kms_blob blob;

	TRY(secret_from_hex(args[0], &key, reterr_why));
	TRY(buf_new(KMS_BLOB_BYTES_MAX, &bytes, reterr_why));
	TRY(fd_read_to_end(STDIN_FILENO, bytes, reterr_why));
	TRY(kms_blob_parse(buf_slice(bytes), &blob, reterr_why));
	TRY(kms_blob_open(key, &blob, slice_str(args[1]), &plain, reterr_why));
	return fd_write_all(STDOUT_FILENO, slice_of(secret_peek(plain), secret_len(plain)), reterr_why);
}

static const struct {
	const char *name;
	int args;
	int (*run)(char **args, struct why *reterr_why);
} commands[] = {
	{"seal", 3, seal},           {"open-passphrase", 1, open_passphrase},
	{"open-hpke", 1, open_hpke}, {"blob-seal", 4, blob_seal},
	{"blob-open", 2, blob_open},
};

int main(int argc, char **argv)
{
	struct why why = {{0}};

	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++) {
		int err;

		if (strcmp(argv[1], commands[i].name) != 0 || argc != 2 + commands[i].args)
			continue;
		err = commands[i].run(argv + 2, &why);
		if (err != ERR_OK)
			fprintf(stderr, "%s: %s\n", err_class_name(err), why.text);
		return err_exit_status(err);
	}
	return 2;
}
