#include "base/time.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now); /* cannot fail for the two clocks below */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t time_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

uint64_t time_mono_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

static void broken_down(uint64_t wall_ms, struct tm *out)
{
	time_t seconds = (time_t)(wall_ms / 1000);

	gmtime_r(&seconds, out);
}

void time_format(uint64_t wall_ms, char out[static TIME_RFC3339_BYTES])
{
	struct tm t;

	broken_down(wall_ms, &t);
	strftime(out, TIME_RFC3339_BYTES, "%Y-%m-%dT%H:%M:%SZ", &t);
}

void time_format_ms(uint64_t wall_ms, char out[static TIME_RFC3339_BYTES])
{
	struct tm t;
	size_t len;

	broken_down(wall_ms, &t);
	len = strftime(out, TIME_RFC3339_BYTES, "%Y-%m-%dT%H:%M:%S", &t);
	snprintf(out + len, TIME_RFC3339_BYTES - len, ".%03uZ", (unsigned)(wall_ms % 1000));
}

void time_format_basic(uint64_t wall_ms, char out[static TIME_BASIC_BYTES])
{
	struct tm t;

	broken_down(wall_ms, &t);
	strftime(out, TIME_BASIC_BYTES, "%Y%m%dT%H%M%SZ", &t);
}

/* Matches `text` against a pattern of digits ('0'), each run a field, and literal bytes. */
static bool take_fields(struct slice text, const char *pattern, unsigned fields[static 7])
{
	size_t field = 0;
	bool in_field = false;

	for (size_t i = 0; i < 7; i++)
		fields[i] = 0;
	if (text.len != slice_str(pattern).len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (pattern[i] != '0') {
			if (text.ptr[i] != (uint8_t)pattern[i] && pattern[i] != '|')
				return false;
		}
		if (pattern[i] == '0') {
			if (text.ptr[i] < '0' || text.ptr[i] > '9')
				return false;
			fields[field] = fields[field] * 10 + (unsigned)(text.ptr[i] - '0');
			in_field = true;
		} else if (in_field) {
			field++;
			in_field = false;
		}
	}
	return true;
}

static int to_wall_ms(const unsigned f[static 7], struct slice text, uint64_t *ret_wall_ms, struct why *reterr_why)
{
	struct tm t = {
		.tm_year = (int)f[0] - 1900,
		.tm_mon = (int)f[1] - 1,
		.tm_mday = (int)f[2],
		.tm_hour = (int)f[3],
		.tm_min = (int)f[4],
		.tm_sec = (int)f[5],
	};
	struct tm wanted = t;
	time_t seconds = timegm(&t);

	/* timegm() carries 31 April over to 1 May; a moment that does not exist is refused. */
	ENSURE(f[0] >= 1970 && t.tm_mon == wanted.tm_mon && t.tm_mday == wanted.tm_mday &&
	               t.tm_hour == wanted.tm_hour && t.tm_min == wanted.tm_min && t.tm_sec == wanted.tm_sec,
	       ERR_INVALID, reterr_why, "%.*s is not a moment from 1970 on", (int)text.len, (const char *)text.ptr);
	*ret_wall_ms = (uint64_t)seconds * 1000 + f[6];
	return ERR_OK;
}

int time_parse(struct slice text, uint64_t *ret_wall_ms, struct why *reterr_why)
{
	unsigned f[7];

	ENSURE(take_fields(text, "0000-00-00T00:00:00Z", f) || take_fields(text, "0000-00-00T00:00:00.000Z", f),
	       ERR_INVALID, reterr_why, "a time must be written like 2026-11-22T19:33:07Z");
	return to_wall_ms(f, text, ret_wall_ms, reterr_why);
}

int time_parse_basic(struct slice text, uint64_t *ret_wall_ms, struct why *reterr_why)
{
	static const uint8_t cuts[] = {4, 6, 8, 11, 13, 15}; /* where each field of 20261122T193307Z ends */
	unsigned f[7] = {0};
	size_t at = 0;

	ENSURE(text.len == 16 && text.ptr[8] == 'T' && text.ptr[15] == 'Z', ERR_INVALID, reterr_why,
	       "a time must be written like 20261122T193307Z");
	for (size_t field = 0; field < sizeof cuts; field++)
		for (; at < cuts[field]; at++) {
			if (at == 8)
				continue;
			ENSURE(text.ptr[at] >= '0' && text.ptr[at] <= '9', ERR_INVALID, reterr_why,
			       "a time must be written like 20261122T193307Z");
			f[field] = f[field] * 10 + (unsigned)(text.ptr[at] - '0');
		}
	return to_wall_ms(f, text, ret_wall_ms, reterr_why);
}
