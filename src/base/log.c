#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/time.h"

static struct {
	const char *program;
	enum log_level level;
	int fd;
} output = {"cloister", LOG_INFO, STDERR_FILENO};

struct line {
	char text[LOG_LINE_BYTES_MAX];
	size_t len;
};

/* TAIL_BYTES stay free for the ellipsis, a quote, the brace and the newline. What the program names itself (its own
 * name, events, fields) is short; so a line always has room for them. */
enum { TAIL_BYTES = 8, NAME_BYTES_MAX = 128 };

void log_open(const char *program, enum log_level level)
{
	output.program = program;
	output.level = level;
}

void log_to_fd(int fd)
{
	output.fd = fd;
}

static void put_raw(struct line *l, const char *text)
{
	size_t len = strlen(text);

	if (l->len + len > sizeof l->text - TAIL_BYTES)
		return;
	memcpy(l->text + l->len, text, len);
	l->len += len;
}

/* The code point that the UTF-8 at `c` begins with (RFC 3629), and its length. A byte that begins none is U+FFFD. */
static uint32_t next_code_point(const unsigned char *c, size_t *ret_len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = c[0] < 0x80 ? 1 : c[0] >> 5 == 6 ? 2 : c[0] >> 4 == 14 ? 3 : c[0] >> 3 == 30 ? 4 : 0;
	uint32_t point = len == 1 ? c[0] : c[0] & (0x7fu >> len);

	*ret_len = 1;
	for (size_t i = 1; i < len; i++) {
		if (c[i] >> 6 != 2) /* the text's NUL too */
			return 0xfffd;
		point = point << 6 | (c[i] & 63);
	}
	if (len == 0 || point < least[len] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return 0xfffd;
	*ret_len = len;
	return point;
}

/* What JSON must escape, and what would let a peer's text move a terminal's cursor or turn its reading direction. */
static bool is_escaped(uint32_t point)
{
	return point < 0x20 || point == '"' || point == '\\' || (point >= 0x7f && point < 0xa0) ||
	       (point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069) || point == 0xfffd;
}

/* A JSON string of at most `max` bytes; what does not fit is cut and the cut is shown. */
static void put_quoted(struct line *l, const char *text, size_t max)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t end = sizeof l->text - TAIL_BYTES, step;

	put_raw(l, "\"");
	if (end - l->len > max)
		end = l->len + max;
	for (; *c; c += step) {
		uint32_t point = next_code_point(c, &step);
		char piece[8] = {0};

		if (is_escaped(point))
			snprintf(piece, sizeof piece, "\\u%04x", (unsigned)point);
		else
			memcpy(piece, c, step);
		if (l->len + strlen(piece) > end) {
			memcpy(l->text + l->len, "…", strlen("…"));
			l->len += strlen("…");
			break;
		}
		put_raw(l, piece);
	}
	l->text[l->len++] = '"';
}

static void put_field(struct line *l, const struct log_field *field)
{
	char number[24];

	put_raw(l, ",");
	put_quoted(l, field->name, NAME_BYTES_MAX);
	put_raw(l, ":");
	snprintf(number, sizeof number, "%" PRId64, field->number);
	if (field->text)
		put_quoted(l, field->text, sizeof l->text);
	else
		put_raw(l, number);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	char when[TIME_RFC3339_BYTES];
	struct line l = {.len = 0};
	int saved = errno;

	if (level < output.level)
		return;
	time_format_ms(time_wall_ms(), when);
	put_raw(&l, "{\"time\":\"");
	put_raw(&l, when);
	put_raw(&l, "\",\"level\":\"");
	put_raw(&l, names[level]);
	put_raw(&l, "\",\"program\":");
	put_quoted(&l, output.program, NAME_BYTES_MAX);
	put_raw(&l, ",\"event\":");
	put_quoted(&l, event, NAME_BYTES_MAX);
	for (size_t i = 0; i < count; i++)
		if (l.len + 2 * NAME_BYTES_MAX <= sizeof l.text - TAIL_BYTES) /* a field is whole or absent */
			put_field(&l, &fields[i]);
	memcpy(l.text + l.len, "}\n", 2);
	l.len += 2;
	/* Nothing can be done about a log that cannot be written, and the program's work goes on without it. */
	(void)!fd_write_all(output.fd, slice_of(l.text, l.len), NULL);
	errno = saved;
}
