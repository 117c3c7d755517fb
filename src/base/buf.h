/* buf.h: the one growable buffer.
 *
 * It has a hard maximum from birth, so that nothing a peer sends can make it larger, and is wiped when it is freed and
 * whenever it moves. Numbers are written big-endian. Not for keys: those live in struct secret. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"

struct buf;

/* A new empty buffer that will never hold more than `max_bytes`. ERR_UNAVAILABLE without memory, ERR_LIMIT over a
 * quarter of the address space. */
MUST_USE int buf_new(size_t max_bytes, struct buf **ret_buf, struct why *reterr_why);
void buf_free(struct buf *b);
void buf_freep(struct buf **b);

/* What it holds. Borrowed until the next call that changes the buffer. */
struct slice buf_slice(const struct buf *b);
size_t buf_len(const struct buf *b);

/* How many more bytes it may take. */
size_t buf_room(const struct buf *b);

/* Appends bytes that are not the buffer's own; ERR_LIMIT past the maximum, ERR_UNAVAILABLE without memory, and then
 * nothing is appended. */
MUST_USE int buf_put(struct buf *b, struct slice bytes, struct why *reterr_why);
MUST_USE int buf_put_str(struct buf *b, const char *text, struct why *reterr_why);
MUST_USE int buf_put_fmt(struct buf *b, struct why *reterr_why, const char *fmt, ...) PRINTF_LIKE(3, 4);
MUST_USE int buf_put_u8(struct buf *b, uint8_t value, struct why *reterr_why);
MUST_USE int buf_put_u16be(struct buf *b, uint16_t value, struct why *reterr_why);
MUST_USE int buf_put_u32be(struct buf *b, uint32_t value, struct why *reterr_why);
MUST_USE int buf_put_u64be(struct buf *b, uint64_t value, struct why *reterr_why);

/* Appends a part as the protocols write it in lp(): u32 big-endian length, then the bytes. */
MUST_USE int buf_put_lp(struct buf *b, struct slice part, struct why *reterr_why);

/* Makes room for `len` bytes at the end and lends it: write there, then buf_commit() what was written. Committing more
 * than there is room for ends the process. */
MUST_USE int buf_reserve(struct buf *b, size_t len, uint8_t **ret_room, struct why *reterr_why);
void buf_commit(struct buf *b, size_t len);

/* Drops the first `len` bytes (at most what is there), or all after the first `len`, or everything. */
void buf_consume(struct buf *b, size_t len);
void buf_truncate(struct buf *b, size_t len);
void buf_reset(struct buf *b);

/* The content as a C string: a NUL stands after the last byte, which is not part of the content. ERR_INVALID if the
 * content itself holds a NUL. Borrowed until the buffer changes. */
MUST_USE int buf_str(struct buf *b, const char **ret_str, struct why *reterr_why);
