#include "cli/recipient.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/file.h"
#include "seal/wraps.h"

#define RECIPIENT_HEAD "cloister-recipient+"
#define IDENTITY_HEAD "cloister-identity+"

enum { CHECK_DIGITS = 8, KEY_TEXT_BYTES = BASE64_LEN(HPKE_PUBLIC_BYTES), IDENTITY_TEXT_BYTES = 512 };

void recipient_print(const uint8_t public_key[static HPKE_PUBLIC_BYTES], char out[static RECIPIENT_TEXT_BYTES])
{
	char fingerprint[2 * 32 + 1], key[KEY_TEXT_BYTES + 1];

	seal_fingerprint(public_key, fingerprint);
	base64_encode(slice_of(public_key, HPKE_PUBLIC_BYTES), key);
	snprintf(out, RECIPIENT_TEXT_BYTES, RECIPIENT_HEAD "%.*s+%s", CHECK_DIGITS, fingerprint, key);
}

int recipient_parse(struct slice text, uint8_t ret_public[static HPKE_PUBLIC_BYTES], struct why *reterr_why)
{
	char spelled[RECIPIENT_TEXT_BYTES];
	struct slice head, digits, plus;
	struct cursor in = cursor_of(text);
	uint8_t key[HPKE_PUBLIC_BYTES];
	size_t len = 0;

	ENSURE(!slice_starts_with(text, IDENTITY_HEAD), ERR_INVALID, reterr_why,
	       "this is an identity, which is secret; a file is sealed to the recipient that belongs to it");
	ENSURE(slice_starts_with(text, RECIPIENT_HEAD), ERR_INVALID, reterr_why,
	       "\"%.*s\" is no recipient: one looks like " RECIPIENT_HEAD "1a2b3c4d+…; cloister key identity makes one",
	       (int)(text.len < 60 ? text.len : 60), (const char *)text.ptr);
	TRY(cursor_take(&in, strlen(RECIPIENT_HEAD), &head, reterr_why));
	ENSURE(cursor_take(&in, CHECK_DIGITS, &digits, NULL) == ERR_OK && cursor_take(&in, 1, &plus, NULL) == ERR_OK &&
	               base64_decode(in.rest, key, sizeof key, &len, NULL) == ERR_OK && len == sizeof key,
	       ERR_INVALID, reterr_why, "the recipient %.*s is cut short or altered; copy it again",
	       (int)(text.len < RECIPIENT_TEXT_BYTES ? text.len : RECIPIENT_TEXT_BYTES), (const char *)text.ptr);
	recipient_print(key, spelled);
	ENSURE(slice_is_str(text, spelled), ERR_INVALID, reterr_why,
	       "the recipient %.*s was altered: its check digits are of another key; copy it again", (int)text.len,
	       (const char *)text.ptr);
	memcpy(ret_public, key, sizeof key);
	return ERR_OK;
}

int identity_print(const struct secret *private_key, struct secret **ret_text, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *text = NULL;
	uint8_t public_key[HPKE_PUBLIC_BYTES];
	char recipient[RECIPIENT_TEXT_BYTES];
	char *at;
	int len;

	TRY(hpke_key_public(private_key, public_key, reterr_why));
	recipient_print(public_key, recipient);
	TRY(secret_new(IDENTITY_TEXT_BYTES, &text, reterr_why));
	at = (char *)secret_bytes(text);
	len = snprintf(at, IDENTITY_TEXT_BYTES,
	               "# This identity is secret: it opens what is sealed to its recipient.\n"
	               "# %s\n" IDENTITY_HEAD,
	               recipient);
	base64_encode(slice_of(secret_peek(private_key), secret_len(private_key)), at + len);
	len += KEY_TEXT_BYTES;
	at[len++] = '\n';
	secret_shrink(text, (size_t)len);
	*ret_text = take_ptr(text);
	return ERR_OK;
}

static int decode(struct slice line, struct secret **ret_private, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	size_t len = 0, head = strlen(IDENTITY_HEAD);

	TRY(secret_new(HPKE_PRIVATE_BYTES, &key, reterr_why));
	line = slice_of(line.ptr + head, line.len - head);
	ENSURE(base64_decode(line, secret_bytes(key), HPKE_PRIVATE_BYTES, &len, NULL) == ERR_OK &&
	               len == HPKE_PRIVATE_BYTES,
	       ERR_INVALID, reterr_why, "its identity is cut short or altered");
	*ret_private = take_ptr(key);
	return ERR_OK;
}

int identity_parse(const struct secret *text, struct secret **ret_private, struct why *reterr_why)
{
	struct cursor in = cursor_of(slice_of(secret_peek(text), secret_len(text)));
	CLEANUP(secret_freep) struct secret *found = NULL;
	struct slice line;

	while (in.rest.len) {
		if (cursor_take_until(&in, '\n', &line, NULL) != ERR_OK)
			TRY(cursor_take(&in, in.rest.len, &line, reterr_why));
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		ENSURE(slice_starts_with(line, IDENTITY_HEAD), ERR_INVALID, reterr_why,
		       "it is no identity file: a line begins with neither # nor " IDENTITY_HEAD);
		ENSURE(!found, ERR_INVALID, reterr_why, "it holds two identities; keep each in a file of its own");
		TRY(decode(line, &found, reterr_why));
	}
	ENSURE(found, ERR_INVALID, reterr_why, "it holds no identity");
	*ret_private = take_ptr(found);
	return ERR_OK;
}

int identity_read(const char *path, struct secret **ret_private, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *text = NULL;
	int err;

	TRY(file_read_secret(path, &text, reterr_why));
	err = identity_parse(text, ret_private, reterr_why);
	if (err != ERR_OK)
		why_prefix(reterr_why, "%s: ", path);
	return err;
}
