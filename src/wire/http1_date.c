#include "wire/http1_date.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

enum { DATE_LEN = HTTP1_DATE_BYTES - 1 };

/* Not strftime(): its names follow the locale. */
static const char day_names[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void http1_date_format(uint64_t wall_ms, char out[static HTTP1_DATE_BYTES])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm t;
	int len;

	gmtime_r(&seconds, &t);
	len = snprintf(out, HTTP1_DATE_BYTES, "%s, %02u %s %04u %02u:%02u:%02u GMT", day_names[t.tm_wday],
	               (unsigned)t.tm_mday % 100, month_names[t.tm_mon], (unsigned)(t.tm_year + 1900) % 10000,
	               (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100);
	(void)len; /* DATE_LEN for every year up to 9999 */
}

/* A number of `len` digits at `at`; false if there is another byte. */
static bool take_digits(struct slice text, size_t at, size_t len, int *ret_value)
{
	int value = 0;

	for (size_t i = at; i < at + len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		value = value * 10 + (text.ptr[i] - '0');
	}
	*ret_value = value;
	return true;
}

/* Which of `count` names of three letters lies at `at`, or -1. */
static int take_name(struct slice text, size_t at, const char names[][4], int count)
{
	for (int i = 0; i < count; i++)
		if (slice_is_str(slice_of(text.ptr + at, 3), names[i]))
			return i;
	return -1;
}

/* Everything that is not a field, in its place. */
static bool has_frame(struct slice text)
{
	static const char frame[] = "###, ## ### #### ##:##:## GMT";

	if (text.len != DATE_LEN)
		return false;
	for (size_t i = 0; i < DATE_LEN; i++)
		if (frame[i] != '#' && text.ptr[i] != (uint8_t)frame[i])
			return false;
	return true;
}

int http1_date_parse(struct slice text, uint64_t *ret_wall_ms, struct why *reterr_why)
{
	struct tm t = {0}, wanted;
	time_t seconds;
	int year = 0;
	bool ok = has_frame(text) && take_digits(text, 5, 2, &t.tm_mday) && take_digits(text, 12, 4, &year) &&
	          take_digits(text, 17, 2, &t.tm_hour) && take_digits(text, 20, 2, &t.tm_min) &&
	          take_digits(text, 23, 2, &t.tm_sec);

	if (ok) {
		t.tm_wday = take_name(text, 0, day_names, 7);
		t.tm_mon = take_name(text, 8, month_names, 12);
	}
	ENSURE(ok && t.tm_wday >= 0 && t.tm_mon >= 0 && year >= 1970, ERR_INVALID, reterr_why,
	       "a date must be written like Sun, 06 Nov 1994 08:49:37 GMT");
	t.tm_year = year - 1900;
	wanted = t;
	seconds = timegm(&t); /* carries 31 April over to 1 May, and fills in the day of the week */
	ENSURE(t.tm_mon == wanted.tm_mon && t.tm_mday == wanted.tm_mday && t.tm_hour == wanted.tm_hour &&
	               t.tm_min == wanted.tm_min && t.tm_sec == wanted.tm_sec && t.tm_wday == wanted.tm_wday,
	       ERR_INVALID, reterr_why, "%.*s is no day that there was", (int)text.len, (const char *)text.ptr);
	*ret_wall_ms = (uint64_t)seconds * 1000;
	return ERR_OK;
}
