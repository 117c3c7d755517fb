#include "base/time.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, MILLISECOND, FIELDS };

/* Matches `text` against a pattern in which a digit stands for a digit of the field that it numbers, and anything else
 * for itself. */
static bool take_fields(struct slice text, const char *pattern, unsigned f[static FIELDS])
{
	if (text.len != strlen(pattern))
		return false;
	memset(f, 0, FIELDS * sizeof f[0]);
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)text.ptr[i] - '0';
		unsigned field = (unsigned)pattern[i] - '0';

		if (field >= FIELDS && text.ptr[i] != (uint8_t)pattern[i])
			return false;
		if (field < FIELDS && digit > 9)
			return false;
		if (field < FIELDS)
			f[field] = f[field] * 10 + digit;
	}
	return true;
}

static int to_wall_ms(const unsigned f[static FIELDS], struct slice text, uint64_t *ret_wall_ms, struct why *reterr_why)
{
	struct tm t = {
		.tm_year = (int)f[YEAR] - 1900,
		.tm_mon = (int)f[MONTH] - 1,
		.tm_mday = (int)f[DAY],
		.tm_hour = (int)f[HOUR],
		.tm_min = (int)f[MINUTE],
		.tm_sec = (int)f[SECOND],
	};
	struct tm wanted = t;
	time_t seconds = timegm(&t);

	/* timegm() carries 31 April over to 1 May; a moment that does not exist is refused, a leap second too. */
	ENSURE(f[YEAR] >= 1970 && t.tm_mon == wanted.tm_mon && t.tm_mday == wanted.tm_mday &&
	               t.tm_hour == wanted.tm_hour && t.tm_min == wanted.tm_min && t.tm_sec == wanted.tm_sec,
	       ERR_INVALID, reterr_why, "%.*s is not a moment from 1970 on", (int)text.len, (const char *)text.ptr);
	*ret_wall_ms = (uint64_t)seconds * 1000 + f[MILLISECOND];
	return ERR_OK;
}

int time_parse(struct slice text, uint64_t *ret_wall_ms, struct why *reterr_why)
{
	unsigned f[FIELDS];

	ENSURE(take_fields(text, "0000-11-22T33:44:55Z", f) || take_fields(text, "0000-11-22T33:44:55.666Z", f),
	       ERR_INVALID, reterr_why, "a time must be written like 2026-11-22T19:33:07Z");
	return to_wall_ms(f, text, ret_wall_ms, reterr_why);
}

int time_parse_basic(struct slice text, uint64_t *ret_wall_ms, struct why *reterr_why)
{
	unsigned f[FIELDS];

	ENSURE(take_fields(text, "00001122T334455Z", f), ERR_INVALID, reterr_why,
	       "a time must be written like 20261122T193307Z");
	return to_wall_ms(f, text, ret_wall_ms, reterr_why);
}
