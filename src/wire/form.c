#include "wire/form.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "wire/percent.h"
#include "wire/utf8.h"

struct form {
	struct buf *decoded;    /* what every pair points into: it has its whole size from the start and never moves */
	const uint8_t *content; /* where that begins */
	size_t count;
	struct form_pair pairs[FORM_PAIRS_MAX];
};

void form_free(struct form *f)
{
	if (!f)
		return;
	buf_free(f->decoded);
	free(f);
}

void form_freep(struct form **f)
{
	form_free(*f);
	*f = NULL;
}

/* Appends the decoded text of one name or value and returns it. */
static int decode(struct form *f, struct slice text, enum form_kind kind, struct slice *ret_decoded,
                  struct why *reterr_why)
{
	size_t from = buf_len(f->decoded);
	struct slice decoded;

	for (struct cursor in = cursor_of(text); in.rest.len;) {
		const uint8_t *plus = memchr(in.rest.ptr, '+', in.rest.len);
		struct slice run;

		ENSURE(!plus || kind == FORM_BODY, ERR_INVALID, reterr_why,
		       "a '+' in a query; write %%20 for a space and %%2B for a plus");
		TRY(cursor_take(&in, plus ? (size_t)(plus - in.rest.ptr) : in.rest.len, &run, reterr_why));
		TRY(percent_decode_put(f->decoded, run, false, reterr_why));
		if (plus) {
			TRY(cursor_take(&in, 1, &run, reterr_why));
			TRY(buf_put_u8(f->decoded, ' ', reterr_why));
		}
	}
	decoded = slice_of(f->content + from, buf_len(f->decoded) - from);
	ENSURE(!decoded.len || !memchr(decoded.ptr, 0, decoded.len), ERR_INVALID, reterr_why, "a NUL byte");
	ENSURE(utf8_is_valid(decoded), ERR_INVALID, reterr_why, "bytes that are not UTF-8");
	*ret_decoded = decoded;
	return ERR_OK;
}

static int read_pair(struct form *f, struct slice text, enum form_kind kind, struct form_pair *ret_pair,
                     struct why *reterr_why)
{
	struct cursor in = cursor_of(text);
	struct slice name = text, value = slice_of(NULL, 0);

	if (text.len && memchr(text.ptr, '=', text.len)) {
		TRY(cursor_take_until(&in, '=', &name, reterr_why));
		value = in.rest;
	}
	ENSURE(name.len, ERR_INVALID, reterr_why, "it has no name");
	TRY(decode(f, name, kind, &ret_pair->name, reterr_why));
	return decode(f, value, kind, &ret_pair->value, reterr_why);
}

static int refuse_repeat(const struct form *f, const struct form_pair *pair, struct why *reterr_why)
{
	for (size_t i = 0; i < f->count; i++)
		ENSURE(!slice_equal(f->pairs[i].name, pair->name), ERR_INVALID, reterr_why,
		       "it repeats the name of parameter %zu", i + 1);
	return ERR_OK;
}

static int read_all(struct form *f, struct slice text, enum form_kind kind, enum form_repeats repeats,
                    struct why *reterr_why)
{
	struct cursor in = cursor_of(text);

	while (text.len) {
		bool is_last = !in.rest.len || !memchr(in.rest.ptr, '&', in.rest.len);
		struct slice one = in.rest;
		struct form_pair *pair = &f->pairs[f->count];

		ENSURE(f->count < FORM_PAIRS_MAX, ERR_LIMIT, reterr_why, "more than %d parameters", FORM_PAIRS_MAX);
		if (!is_last)
			TRY(cursor_take_until(&in, '&', &one, reterr_why));
		int err = read_pair(f, one, kind, pair, reterr_why);

		if (err == ERR_OK && repeats == FORM_REPEATS_REFUSED)
			err = refuse_repeat(f, pair, reterr_why);
		if (err != ERR_OK) {
			why_prefix(reterr_why, "parameter %zu: ", f->count + 1);
			return err;
		}
		f->count++;
		if (is_last)
			break;
	}
	return ERR_OK;
}

int form_read(struct slice text, enum form_kind kind, enum form_repeats repeats, struct form **ret_form,
              struct why *reterr_why)
{
	CLEANUP(form_freep) struct form *f = NULL;
	uint8_t *room;

	ENSURE(text.len <= FORM_BYTES_MAX, ERR_LIMIT, reterr_why, "parameters of %zu bytes; at most %d are accepted",
	       text.len, FORM_BYTES_MAX);
	f = calloc(1, sizeof *f);
	ENSURE(f, ERR_UNAVAILABLE, reterr_why, "out of memory for parameters");
	TRY(buf_new(text.len, &f->decoded, reterr_why));
	TRY(buf_reserve(f->decoded, text.len, &room, reterr_why)); /* decoding never lengthens */
	f->content = room;
	TRY(read_all(f, text, kind, repeats, reterr_why));
	*ret_form = take_ptr(f);
	return ERR_OK;
}

size_t form_count(const struct form *f)
{
	return f->count;
}

struct form_pair form_at(const struct form *f, size_t at)
{
	return f->pairs[at];
}

bool form_find(const struct form *f, const char *name, struct slice *ret_value)
{
	for (size_t i = 0; i < f->count; i++) {
		if (slice_is_str(f->pairs[i].name, name)) {
			*ret_value = f->pairs[i].value;
			return true;
		}
	}
	return false;
}

int form_get(const struct form *f, const char *name, struct slice *ret_value, struct why *reterr_why)
{
	struct slice value;

	ENSURE(form_find(f, name, &value), ERR_INVALID, reterr_why, "the parameter %s is missing", name);
	ENSURE(value.len, ERR_INVALID, reterr_why, "the parameter %s is empty", name);
	*ret_value = value;
	return ERR_OK;
}

int form_put(struct buf *into, const char *name, struct slice value, struct why *reterr_why)
{
	if (buf_len(into))
		TRY(buf_put_u8(into, '&', reterr_why));
	TRY(percent_encode_put(into, slice_str(name), NULL, reterr_why));
	TRY(buf_put_u8(into, '=', reterr_why));
	return percent_encode_put(into, value, NULL, reterr_why);
}
