#include "daemon/ledger/log_key.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/random.h"
#include "crypto/hash.h"

/* The file: this line, lp(origin), lp(PKCS #8 of the signing key), lp(own key), SHA-256 of all that. */
static const char magic[] = "cloister.log-key/v1\n";

enum { OWN_KEY_BYTES = 32, FILE_BYTES_MAX = 1024, VKEY_BYTES_MAX = 512 };

static bool has_file(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* Into memory that is wiped; the lengths are ours and small. */
static void put(struct secret *file, size_t *len, struct slice bytes)
{
	memcpy(secret_bytes(file) + *len, bytes.ptr, bytes.len);
	*len += bytes.len;
}

static void put_lp(struct secret *file, size_t *len, struct slice bytes)
{
	uint8_t prefix[4] = {0, 0, (uint8_t)(bytes.len >> 8), (uint8_t)bytes.len};

	put(file, len, slice_of(prefix, sizeof prefix));
	put(file, len, bytes);
}

static int write_key(int dir_fd, struct slice origin, const struct sign_key *key, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *der = NULL, *own = NULL, *file = NULL;
	uint8_t digest[SHA256_BYTES];
	size_t len = 0;

	TRY(sign_key_export(key, &der, reterr_why));
	TRY(secret_new_random(OWN_KEY_BYTES, &own, reterr_why));
	TRY(secret_new(FILE_BYTES_MAX, &file, reterr_why));
	ENSURE(sizeof magic + origin.len + secret_len(der) + OWN_KEY_BYTES + 12 + SHA256_BYTES <= FILE_BYTES_MAX,
	       ERR_LIMIT, reterr_why, "the log's key does not fit its file");
	put(file, &len, slice_str(magic));
	put_lp(file, &len, origin);
	put_lp(file, &len, slice_of(secret_peek(der), secret_len(der)));
	put_lp(file, &len, slice_of(secret_peek(own), OWN_KEY_BYTES));
	sha256(slice_of(secret_peek(file), len), digest);
	put(file, &len, slice_of(digest, sizeof digest));
	return file_create(dir_fd, LOG_KEY_FILE, 0600, slice_of(secret_peek(file), len), reterr_why);
}

static int write_vkey(int dir_fd, const struct note_signer *signer, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;

	TRY(buf_new(VKEY_BYTES_MAX, &text, reterr_why));
	TRY(note_verifier_put_vkey(note_signer_verifier(signer), text, reterr_why));
	TRY(buf_put_str(text, "\n", reterr_why));
	return file_replace(dir_fd, LOG_VKEY_FILE, 0644, buf_slice(text), reterr_why);
}

int log_key_create(int dir_fd, struct slice origin, struct why *reterr_why)
{
	CLEANUP(note_signer_freep) struct note_signer *signer = NULL;
	CLEANUP(sign_key_freep) struct sign_key *key = NULL;
	char made[64];
	uint64_t number;

	ENSURE(!has_file(dir_fd, "journal-00000001"), ERR_CONFLICT, reterr_why,
	       "there is a log in the ledger's directory already, with a key or without; a new one needs an empty "
	       "directory");
	TRY(random_fill(&number, sizeof number, reterr_why));
	snprintf(made, sizeof made, "cloister.local/log/%016" PRIx64, number);
	if (origin.len == 0)
		origin = slice_str(made);
	TRY(sign_key_generate(SIGN_ED25519, &key, reterr_why));
	TRY(note_signer_new(origin, NOTE_ED25519, key, &signer, reterr_why));
	TRY(write_key(dir_fd, origin, key, reterr_why));
	return write_vkey(dir_fd, signer, reterr_why);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int read_file(int dir_fd, struct secret **ret_file, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *file = NULL;
	CLEANUP(fd_closep) int fd = -1;
	size_t len;

	TRY(path_open_beneath(dir_fd, LOG_KEY_FILE, O_RDONLY, 0, &fd, reterr_why));
	TRY(secret_new(FILE_BYTES_MAX, &file, reterr_why));
	TRY(fd_read_full(fd, secret_bytes(file), FILE_BYTES_MAX, &len, reterr_why));
	secret_shrink(file, len);
	*ret_file = take_ptr(file);
	return ERR_OK;
}

static int decode(struct slice file, struct log_key *key, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *der = NULL;
	struct cursor c = cursor_of(file);
	struct slice head, origin, part, digest;
	uint8_t expected[SHA256_BYTES];
	size_t hashed;

	TRY(cursor_take(&c, sizeof magic - 1, &head, reterr_why));
	ENSURE(slice_is_str(head, magic), ERR_INVALID, reterr_why, "it does not begin with \"cloister.log-key/v1\"");
	TRY(cursor_take_lp(&c, NOTE_NAME_BYTES_MAX, &origin, reterr_why));
	TRY(cursor_take_lp(&c, SECRET_SMALL_BYTES, &part, reterr_why));
	TRY(secret_new_from(part, &der, reterr_why));
	TRY(cursor_take_lp(&c, OWN_KEY_BYTES, &part, reterr_why));
	ENSURE(part.len == OWN_KEY_BYTES, ERR_INVALID, reterr_why, "its second key is cut short");
	hashed = file.len - c.rest.len;
	TRY(cursor_take(&c, sizeof expected, &digest, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	sha256(slice_of(file.ptr, hashed), expected);
	ENSURE(bytes_equal_ct(expected, digest.ptr, sizeof expected), ERR_INVALID, reterr_why,
	       "its checksum is not right");
	TRY(secret_new_from(part, &key->own, reterr_why));
	TRY(sign_key_import(der, &key->key, reterr_why));
	return note_signer_new(origin, NOTE_ED25519, key->key, &key->signer, reterr_why);
}

/* Whoever checks the log goes by log.vkey, so it must be the key that signs. */
static int check_vkey(int dir_fd, const struct log_key *key, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *found = NULL, *expected = NULL;
	int err;

	TRY(buf_new(VKEY_BYTES_MAX, &found, reterr_why));
	TRY(buf_new(VKEY_BYTES_MAX, &expected, reterr_why));
	TRY(log_key_put_vkey(key, expected, reterr_why));
	TRY(buf_put_str(expected, "\n", reterr_why));
	err = file_read(dir_fd, LOG_VKEY_FILE, found, reterr_why);
	if (err == ERR_NOTFOUND)
		return write_vkey(dir_fd, key->signer, reterr_why);
	if (err != ERR_LIMIT)
		TRY(err);
	ENSURE(err == ERR_OK && slice_equal(buf_slice(found), buf_slice(expected)), ERR_TAMPERED, reterr_why,
	       "the ledger's file " LOG_VKEY_FILE " is not the public half of " LOG_KEY_FILE
	       "; one of the two was altered: restore it");
	return ERR_OK;
}

int log_key_load(int dir_fd, struct log_key *ret_key, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *file = NULL;
	struct log_key key = {.key = NULL};
	int err = read_file(dir_fd, &file, reterr_why);

	ENSURE(err != ERR_NOTFOUND || !has_file(dir_fd, "journal-00000001"), ERR_TAMPERED, reterr_why,
	       "the ledger's file " LOG_KEY_FILE
	       " is missing, and the log goes on under no other key: restore the file, "
	       "or move the ledger's directory away to begin a new log");
	TRY(err);
	err = decode(slice_of(secret_peek(file), secret_len(file)), &key, reterr_why);
	if (err != ERR_OK) {
		log_key_clear(&key);
		why_prefix(reterr_why, "the ledger's file " LOG_KEY_FILE " is damaged: ");
		return err_class(err) == ERR_UNAVAILABLE ? err : ERR_TAMPERED;
	}
	err = check_vkey(dir_fd, &key, reterr_why);
	if (err != ERR_OK) {
		log_key_clear(&key);
		return err;
	}
	*ret_key = key;
	return ERR_OK;
}

void log_key_clear(struct log_key *key)
{
	note_signer_freep(&key->signer);
	sign_key_freep(&key->key);
	secret_freep(&key->own);
}

int log_key_put_vkey(const struct log_key *key, struct buf *into, struct why *reterr_why)
{
	return note_verifier_put_vkey(note_signer_verifier(key->signer), into, reterr_why);
}
