#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct buf {
	uint8_t *mem;
	size_t start; /* consumed bytes before the content */
	size_t len;
	size_t cap;
	size_t max;
};

enum { FIRST_CAPACITY = 256 };

int buf_new(size_t max_bytes, struct buf **ret_buf, struct why *reterr_why)
{
	struct buf *b;

	/* So that no sum of lengths below can wrap. */
	ENSURE(max_bytes <= SIZE_MAX / 4, ERR_LIMIT, reterr_why, "a buffer of up to %zu bytes is more than can exist",
	       max_bytes);
	b = calloc(1, sizeof *b);
	ENSURE(b, ERR_UNAVAILABLE, reterr_why, "out of memory for a buffer");
	b->max = max_bytes;
	*ret_buf = b;
	return ERR_OK;
}

void buf_free(struct buf *b)
{
	if (!b)
		return;
	if (b->mem)
		explicit_bzero(b->mem, b->cap);
	free(b->mem);
	free(b);
}

void buf_freep(struct buf **b)
{
	buf_free(*b);
	*b = NULL;
}

struct slice buf_slice(const struct buf *b)
{
	return b->len ? slice_of(b->mem + b->start, b->len) : slice_of(NULL, 0);
}

size_t buf_len(const struct buf *b)
{
	return b->len;
}

size_t buf_room(const struct buf *b)
{
	return b->max - b->len;
}

/* Moves the content into a new block, so that realloc leaves no copy of it behind unwiped. */
static int grow(struct buf *b, size_t need, struct why *reterr_why)
{
	size_t cap = b->cap ? b->cap : FIRST_CAPACITY;
	uint8_t *mem;

	if (cap < need)
		cap = need < b->max / 2 ? 2 * need : b->max + 1; /* one more for the NUL of buf_str() */
	mem = malloc(cap);
	ENSURE(mem, ERR_UNAVAILABLE, reterr_why, "out of memory for a buffer of %zu bytes", cap);
	if (b->len)
		memcpy(mem, b->mem + b->start, b->len);
	if (b->mem)
		explicit_bzero(b->mem, b->cap);
	free(b->mem);
	b->mem = mem;
	b->cap = cap;
	b->start = 0;
	return ERR_OK;
}

int buf_reserve(struct buf *b, size_t len, uint8_t **ret_room, struct why *reterr_why)
{
	ENSURE(len <= buf_room(b), ERR_LIMIT, reterr_why, "%zu bytes more than the %zu that are accepted here",
	       len - buf_room(b), b->max);
	if (b->start + b->len + len + 1 > b->cap) {
		if (b->start && b->len + len + 1 <= b->cap) {
			memmove(b->mem, b->mem + b->start, b->len);
			b->start = 0;
		} else {
			TRY(grow(b, b->len + len + 1, reterr_why));
		}
	}
	*ret_room = b->mem + b->start + b->len;
	return ERR_OK;
}

void buf_commit(struct buf *b, size_t len)
{
	/* More than was lent: the caller has written past the end already. */
	if (b->start + b->len + len > b->cap)
		abort();
	b->len += len;
}

int buf_put(struct buf *b, struct slice bytes, struct why *reterr_why)
{
	uint8_t *room;

	TRY(buf_reserve(b, bytes.len, &room, reterr_why));
	if (bytes.len)
		memcpy(room, bytes.ptr, bytes.len);
	buf_commit(b, bytes.len);
	return ERR_OK;
}

int buf_put_str(struct buf *b, const char *text, struct why *reterr_why)
{
	return buf_put(b, slice_str(text), reterr_why);
}

int buf_put_fmt(struct buf *b, struct why *reterr_why, const char *fmt, ...)
{
	va_list args, again;
	uint8_t *room;
	int len;

	va_start(args, fmt);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0) {
		va_end(again);
		why_set(reterr_why, "text could not be formatted");
		return ERR_INTERNAL;
	}
	int err = buf_reserve(b, (size_t)len, &room, reterr_why);

	if (err == ERR_OK) {
		vsnprintf((char *)room, (size_t)len + 1, fmt, again);
		buf_commit(b, (size_t)len);
	}
	va_end(again);
	return err;
}

static int put_be(struct buf *b, uint64_t value, size_t len, struct why *reterr_why)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
	return buf_put(b, slice_of(bytes, len), reterr_why);
}

int buf_put_u8(struct buf *b, uint8_t value, struct why *reterr_why)
{
	return put_be(b, value, 1, reterr_why);
}

int buf_put_u16be(struct buf *b, uint16_t value, struct why *reterr_why)
{
	return put_be(b, value, 2, reterr_why);
}

int buf_put_u32be(struct buf *b, uint32_t value, struct why *reterr_why)
{
	return put_be(b, value, 4, reterr_why);
}

int buf_put_u64be(struct buf *b, uint64_t value, struct why *reterr_why)
{
	return put_be(b, value, 8, reterr_why);
}

int buf_put_lp(struct buf *b, struct slice part, struct why *reterr_why)
{
	uint8_t *room;

	ENSURE(part.len <= UINT32_MAX, ERR_LIMIT, reterr_why, "a part of %zu bytes does not fit a 32-bit length",
	       part.len);
	TRY(buf_reserve(b, 4 + part.len, &room, reterr_why)); /* so that neither half can fail alone */
	TRY(buf_put_u32be(b, (uint32_t)part.len, reterr_why));
	return buf_put(b, part, reterr_why);
}

void buf_consume(struct buf *b, size_t len)
{
	if (len >= b->len) {
		b->start = 0;
		b->len = 0;
		return;
	}
	b->start += len;
	b->len -= len;
}

void buf_truncate(struct buf *b, size_t len)
{
	if (len < b->len)
		b->len = len;
}

void buf_reset(struct buf *b)
{
	buf_consume(b, b->len);
}

int buf_str(struct buf *b, const char **ret_str, struct why *reterr_why)
{
	uint8_t *end;

	TRY(buf_reserve(b, 0, &end, reterr_why));
	ENSURE(b->len == 0 || !memchr(b->mem + b->start, 0, b->len), ERR_INVALID, reterr_why,
	       "text with a NUL byte in it");
	*end = 0;
	*ret_str = (const char *)(b->mem + b->start);
	return ERR_OK;
}
