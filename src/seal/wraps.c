#include "seal/wraps.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/limits.h"
#include "crypto/hash.h"
#include "crypto/xaes.h"
#include "seal/wrap_json.h"
#include "wire/json.h"

struct seal_wraps {
	size_t count;
	struct seal_wrap *at; /* grows by one; there are few */
};

int seal_wraps_new(struct seal_wraps **ret_wraps, struct why *reterr_why)
{
	struct seal_wraps *w = calloc(1, sizeof *w);

	ENSURE(w, ERR_UNAVAILABLE, reterr_why, "out of memory for a list of wraps");
	*ret_wraps = w;
	return ERR_OK;
}

void seal_wraps_free(struct seal_wraps *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->count; i++)
		seal_wrap_clear(&w->at[i]);
	free(w->at);
	free(w);
}

void seal_wraps_freep(struct seal_wraps **w)
{
	seal_wraps_free(*w);
	*w = NULL;
}

size_t seal_wraps_count(const struct seal_wraps *w)
{
	return w->count;
}

const struct seal_wrap *seal_wraps_at(const struct seal_wraps *w, size_t at)
{
	return at < w->count ? &w->at[at] : NULL;
}

void seal_wraps_drop(struct seal_wraps *w, size_t at)
{
	if (at >= w->count)
		return;
	seal_wrap_clear(&w->at[at]);
	memmove(&w->at[at], &w->at[at + 1], (w->count - at - 1) * sizeof *w->at);
	w->count--;
}

static size_t count_kind(const struct seal_wraps *w, enum seal_wrap_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < w->count; i++)
		count += w->at[i].kind == kind;
	return count;
}

/* Adds one wrap as JSON, which is read like one from a file: what cannot be read back is never written. */
static int add(struct seal_wraps *w, const json_t *json, struct why *reterr_why)
{
	struct seal_wrap wrap, *grown;

	ENSURE(w->count < SEAL_WRAPS_MAX, ERR_LIMIT, reterr_why, "a sealed file has at most %d wraps; drop one",
	       SEAL_WRAPS_MAX);
	grown = reallocarray(w->at, w->count + 1, sizeof *w->at);
	ENSURE(grown, ERR_UNAVAILABLE, reterr_why, "out of memory for a wrap");
	w->at = grown;
	TRY(seal_wrap_read(json, &wrap, reterr_why));
	if (wrap.kind == SEAL_WRAP_PASSPHRASE && count_kind(w, SEAL_WRAP_PASSPHRASE) == SEAL_PASSPHRASES_MAX) {
		seal_wrap_clear(&wrap);
		why_set(reterr_why, "a sealed file has at most %d passphrases", SEAL_PASSPHRASES_MAX);
		return ERR_LIMIT;
	}
	w->at[w->count++] = wrap;
	return ERR_OK;
}

/* The text without the spaces that pad it. */
static struct slice without_padding(struct slice text)
{
	while (text.len && text.ptr[text.len - 1] == ' ')
		text.len--;
	return text;
}

int seal_wraps_parse(struct slice text, struct seal_wraps **ret_wraps, struct why *reterr_why)
{
	CLEANUP(seal_wraps_freep) struct seal_wraps *w = NULL;
	CLEANUP(json_freep) json_t *list = NULL;
	int err = json_read(without_padding(text), &list, reterr_why);

	if (err != ERR_OK) {
		why_prefix(reterr_why, "wraps of a sealed file: ");
		return err;
	}
	ENSURE(json_is_array(list), ERR_INVALID, reterr_why, "the wraps of a sealed file must be a list");
	TRY(seal_wraps_new(&w, reterr_why));
	for (size_t i = 0; i < json_array_size(list); i++) {
		err = add(w, json_array_get(list, i), reterr_why);
		if (err != ERR_OK) {
			why_prefix(reterr_why, "wrap %zu of a sealed file: ", i);
			return err;
		}
	}
	*ret_wraps = take_ptr(w);
	return ERR_OK;
}

static int print_list(const struct seal_wraps *w, struct buf *into, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *list = json_array();

	ENSURE(list, ERR_UNAVAILABLE, reterr_why, "out of memory for a list of wraps");
	for (size_t i = 0; i < w->count; i++)
		ENSURE(json_array_append(list, w->at[i].json) == 0, ERR_UNAVAILABLE, reterr_why,
		       "out of memory for a list of wraps");
	return json_canonical_put(list, into, reterr_why);
}

int seal_wraps_print_into(const struct seal_wraps *w, size_t len, struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	uint8_t *room;
	size_t pad;

	TRY(buf_new(SEAL_WRAPS_BYTES_MAX, &text, reterr_why));
	TRY(print_list(w, text, reterr_why));
	ENSURE(buf_len(text) <= len, ERR_LIMIT, reterr_why, "wraps of %zu bytes do not fit the place of %zu",
	       buf_len(text), len);
	pad = len - buf_len(text);
	TRY(buf_put(into, buf_slice(text), reterr_why));
	TRY(buf_reserve(into, pad, &room, reterr_why));
	memset(room, ' ', pad);
	buf_commit(into, pad);
	return ERR_OK;
}

int seal_wraps_print(const struct seal_wraps *w, struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	size_t steps;

	TRY(buf_new(SEAL_WRAPS_BYTES_MAX, &text, reterr_why));
	TRY(print_list(w, text, reterr_why));
	steps = (buf_len(text) + SEAL_WRAPS_STEP_BYTES - 1) / SEAL_WRAPS_STEP_BYTES;
	return seal_wraps_print_into(w, steps * SEAL_WRAPS_STEP_BYTES, into, reterr_why);
}

int seal_wraps_add_kms(struct seal_wraps *w, struct slice key_arn, struct slice ciphertext, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *json = json_object();

	ENSURE(json, ERR_UNAVAILABLE, reterr_why, "out of memory for a wrap");
	TRY(json_set_str(json, "type", slice_str("kms"), reterr_why));
	TRY(json_set_str(json, "key", key_arn, reterr_why));
	TRY(json_set_base64(json, "ciphertext", ciphertext, reterr_why));
	return add(w, json, reterr_why);
}

int seal_wraps_add_hpke(struct seal_wraps *w, const uint8_t core_hash[static SEAL_HASH_BYTES],
                        const uint8_t public_key[static HPKE_PUBLIC_BYTES], const struct secret *data_key,
                        struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *json = json_object();
	CLEANUP(buf_freep) struct buf *info = NULL;
	CLEANUP(buf_freep) struct buf *ciphertext = NULL;
	uint8_t enc[HPKE_ENC_BYTES];
	char fingerprint[2 * 32 + 1];

	ENSURE(json, ERR_UNAVAILABLE, reterr_why, "out of memory for a wrap");
	TRY(buf_new(256, &info, reterr_why));
	TRY(buf_new(SEAL_WRAP_CIPHERTEXT_BYTES_MAX, &ciphertext, reterr_why));
	TRY(seal_wrap_put_info("hpke", core_hash, info, reterr_why));
	TRY(hpke_seal(public_key, buf_slice(info), slice_of(NULL, 0),
	              slice_of(secret_peek(data_key), secret_len(data_key)), enc, ciphertext, reterr_why));
	seal_fingerprint(public_key, fingerprint);
	TRY(json_set_str(json, "type", slice_str("hpke"), reterr_why));
	TRY(json_set_str(json, "recipient", slice_str(fingerprint), reterr_why));
	TRY(json_set_base64(json, "enc", slice_of(enc, sizeof enc), reterr_why));
	TRY(json_set_base64(json, "ciphertext", buf_slice(ciphertext), reterr_why));
	return add(w, json, reterr_why);
}

int seal_wraps_add_passphrase(struct seal_wraps *w, const uint8_t core_hash[static SEAL_HASH_BYTES],
                              const struct secret *passphrase, const struct scrypt_cost *cost,
                              const struct secret *data_key, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *json = json_object();
	CLEANUP(json_freep) json_t *kdf = NULL;
	CLEANUP(secret_freep) struct secret *wrapping_key = NULL;
	CLEANUP(buf_freep) struct buf *aad = NULL;
	CLEANUP(buf_freep) struct buf *ciphertext = NULL;

	ENSURE(json, ERR_UNAVAILABLE, reterr_why, "out of memory for a wrap");
	TRY(buf_new(1024, &aad, reterr_why));
	TRY(buf_new(SEAL_WRAP_CIPHERTEXT_BYTES_MAX, &ciphertext, reterr_why));
	TRY(seal_wrap_kdf_new(cost, &kdf, reterr_why));
	TRY(seal_wrap_put_passphrase_aad(core_hash, cost, aad, reterr_why));
	TRY(scrypt_derive(passphrase, cost, &wrapping_key, reterr_why));
	TRY(xaes_seal(wrapping_key, buf_slice(aad), slice_of(secret_peek(data_key), secret_len(data_key)), ciphertext,
	              reterr_why));
	TRY(json_set_str(json, "type", slice_str("passphrase"), reterr_why));
	ENSURE(json_object_set(json, "kdf", kdf) == 0, ERR_UNAVAILABLE, reterr_why, "out of memory for a wrap");
	TRY(json_set_base64(json, "ciphertext", buf_slice(ciphertext), reterr_why));
	return add(w, json, reterr_why);
}

int seal_wrap_open_hpke(const struct seal_wrap *wrap, const uint8_t core_hash[static SEAL_HASH_BYTES],
                        const struct secret *private_key, struct secret **ret_data_key, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *info = NULL;
	uint8_t public_key[HPKE_PUBLIC_BYTES];
	char fingerprint[2 * 32 + 1];
	int err;

	TRY(hpke_key_public(private_key, public_key, reterr_why));
	seal_fingerprint(public_key, fingerprint);
	ENSURE(wrap->kind == SEAL_WRAP_HPKE && slice_is_str(slice_str(wrap->recipient), fingerprint), ERR_NOTFOUND,
	       reterr_why, "not a wrap for this recipient");
	TRY(buf_new(256, &info, reterr_why));
	TRY(seal_wrap_put_info("hpke", core_hash, info, reterr_why));
	err = hpke_open(private_key, wrap->enc, buf_slice(info), slice_of(NULL, 0), wrap->ciphertext, ret_data_key,
	                reterr_why);
	ENSURE(err_class(err) != ERR_TAMPERED && err_class(err) != ERR_INVALID, ERR_DENIED, reterr_why,
	       "the wrap for this recipient does not open: it was altered, or belongs to another sealed file");
	return err;
}

int seal_wrap_open_passphrase(const struct seal_wrap *wrap, const uint8_t core_hash[static SEAL_HASH_BYTES],
                              const struct secret *passphrase, struct secret **ret_data_key, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *wrapping_key = NULL;
	CLEANUP(buf_freep) struct buf *aad = NULL;
	int err;

	ENSURE(wrap->kind == SEAL_WRAP_PASSPHRASE, ERR_NOTFOUND, reterr_why, "not a wrap for a passphrase");
	TRY(buf_new(1024, &aad, reterr_why));
	TRY(seal_wrap_put_passphrase_aad(core_hash, &wrap->cost, aad, reterr_why));
	TRY(scrypt_derive(passphrase, &wrap->cost, &wrapping_key, reterr_why));
	err = xaes_open(wrapping_key, buf_slice(aad), wrap->ciphertext, ret_data_key, reterr_why);
	ENSURE(err_class(err) != ERR_TAMPERED && err_class(err) != ERR_INVALID, ERR_DENIED, reterr_why,
	       "wrong passphrase for this sealed file");
	return err;
}

void seal_fingerprint(const uint8_t public_key[static HPKE_PUBLIC_BYTES], char out[static 2 * 32 + 1])
{
	uint8_t digest[SHA256_BYTES];

	sha256(slice_of(public_key, HPKE_PUBLIC_BYTES), digest);
	hex_encode(slice_of(digest, sizeof digest), out);
}
