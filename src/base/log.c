#include "base/log.h"

#include <inttypes.h>
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

enum { TAIL_BYTES = 8 }; /* kept free for the ellipsis, the quote, the brace and the newline */

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
	size_t len = strlen(text), room = sizeof l->text - TAIL_BYTES - l->len;

	if (len > room)
		return;
	memcpy(l->text + l->len, text, len);
	l->len += len;
}

/* A JSON string; what does not fit is cut and the cut is shown. */
static void put_quoted(struct line *l, const char *text)
{
	put_raw(l, "\"");
	for (const char *c = text; *c; c++) {
		char piece[8] = {*c, 0};

		if ((unsigned char)*c < 0x20 || *c == '"' || *c == '\\' || *c == 0x7f)
			snprintf(piece, sizeof piece, "\\u%04x", (unsigned)(unsigned char)*c);
		if (l->len + strlen(piece) + 4 > sizeof l->text - TAIL_BYTES) {
			memcpy(l->text + l->len, "…", strlen("…"));
			l->len += strlen("…");
			break;
		}
		put_raw(l, piece);
	}
	l->text[l->len++] = '"';
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	char when[TIME_RFC3339_BYTES], number[24];
	struct line l = {.len = 0};

	if (level < output.level)
		return;
	time_format_ms(time_wall_ms(), when);
	put_raw(&l, "{\"time\":\"");
	put_raw(&l, when);
	put_raw(&l, "\",\"level\":\"");
	put_raw(&l, names[level]);
	put_raw(&l, "\",\"program\":");
	put_quoted(&l, output.program);
	put_raw(&l, ",\"event\":");
	put_quoted(&l, event);
	for (size_t i = 0; i < count; i++) {
		if (l.len + strlen(fields[i].name) + 32 > sizeof l.text - TAIL_BYTES)
			break;
		put_raw(&l, ",");
		put_quoted(&l, fields[i].name);
		put_raw(&l, ":");
		snprintf(number, sizeof number, "%" PRId64, fields[i].number);
		if (fields[i].text)
			put_quoted(&l, fields[i].text);
		else
			put_raw(&l, number);
	}
	memcpy(l.text + l.len, "}\n", 2);
	l.len += 2;
	/* Nothing can be done about a log that cannot be written, and the program's work goes on without it. */
	(void)!fd_write_all(output.fd, slice_of(l.text, l.len), NULL);
}
