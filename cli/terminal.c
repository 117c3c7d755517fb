#include "cli/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/slice.h"

enum { WIDTH_UNKNOWN = 80, WIDTH_MIN = 20, WIDTH_MAX = 1000 };

static unsigned width_of(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t width;

	if (columns && slice_to_u64(slice_str(columns), WIDTH_MAX, &width, NULL) == ERR_OK && width >= WIDTH_MIN)
		return (unsigned)width;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= WIDTH_MIN)
		return size.ws_col;
	return WIDTH_UNKNOWN;
}

struct terminal terminal_of(int fd)
{
	struct terminal t = {.is_terminal = isatty(fd) == 1, .width = width_of(fd)};
	const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");

	t.has_colour = t.is_terminal && (!no_colour || !no_colour[0]) && kind && !slice_is_str(slice_str(kind), "dumb");
	return t;
}

void terminal_size(uint64_t bytes, char out[static TERMINAL_SIZE_BYTES])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(out, TERMINAL_SIZE_BYTES, "%u B", (unsigned)bytes);
		return;
	}
	/* From 1023.95 on it would be printed as 1024.0. */
	while (value >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) {
		value /= 1024;
		unit++;
	}
	snprintf(out, TERMINAL_SIZE_BYTES, "%.1f %s", value, units[unit]);
}

void terminal_duration(uint64_t seconds, char out[static TERMINAL_DURATION_BYTES])
{
	unsigned hours = (unsigned)(seconds / 3600), minutes = (unsigned)(seconds / 60 % 60);
	unsigned rest = (unsigned)(seconds % 60);

	if (seconds >= 100 * 3600)
		snprintf(out, TERMINAL_DURATION_BYTES, "-:--");
	else if (hours)
		snprintf(out, TERMINAL_DURATION_BYTES, "%u:%02u:%02u", hours, minutes, rest);
	else
		snprintf(out, TERMINAL_DURATION_BYTES, "%u:%02u", minutes, rest);
}

static bool starts_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

size_t terminal_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += starts_character(*text);
	return columns;
}

size_t terminal_fit(const char *text, size_t columns)
{
	size_t at = 0;

	for (; text[at]; at++) {
		if (starts_character(text[at]) && columns-- == 0)
			break;
	}
	return at;
}

void terminal_clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}
