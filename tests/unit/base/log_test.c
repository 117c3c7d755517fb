#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"

static int output = -1;
static char lines[64 * 1024];

static int set_up(void **state)
{
	(void)state;
	output = memfd_create("log", MFD_CLOEXEC);
	log_open("test", LOG_INFO);
	log_to_fd(output);
	return output < 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_to_fd(STDERR_FILENO);
	fd_closep(&output);
	return 0;
}

/* What was logged, and nothing when it is asked again. */
static const char *logged(void)
{
	size_t len;

	assert_int_equal(fd_pread_full(output, lines, sizeof lines - 1, 0, &len, NULL), ERR_OK);
	lines[len] = 0;
	assert_int_equal(ftruncate(output, 0), 0);
	assert_int_equal(lseek(output, 0, SEEK_SET), 0);
	return lines;
}

/* The line from its "level" on: what stands before is the time. */
static const char *after_time(const char *line)
{
	const char *level = strstr(line, "\"level\"");

	assert_int_equal(strncmp(line, "{\"time\":\"", 9), 0);
	assert_non_null(level);
	return level;
}

static void a_line_is_one_json_object(void **state)
{
	(void)state;
	LOG(LOG_WARN, "role.started", LOG_STR("role", "keys"), LOG_INT("pid", -5));
	assert_string_equal(
		after_time(logged()),
		"\"level\":\"warn\",\"program\":\"test\",\"event\":\"role.started\",\"role\":\"keys\",\"pid\":-5}\n");
	LOG(LOG_INFO, "x");
	assert_string_equal(after_time(logged()), "\"level\":\"info\",\"program\":\"test\",\"event\":\"x\"}\n");
}

static void lower_levels_are_dropped(void **state)
{
	(void)state;
	log_open("test", LOG_WARN);
	LOG(LOG_DEBUG, "a");
	LOG(LOG_INFO, "b");
	assert_string_equal(logged(), "");
	LOG(LOG_ERROR, "c");
	assert_non_null(strstr(logged(), "\"error\""));
}

static const char *quoted(const char *text)
{
	const char *found;

	LOG(LOG_INFO, "x", LOG_STR("v", text));
	found = strstr(logged(), "\"v\":");
	assert_non_null(found);
	lines[strlen(lines) - 2] = 0; /* } and newline */
	return found + 4;
}

static void hostile_text_cannot_leave_its_quotes(void **state)
{
	(void)state;
	assert_string_equal(quoted("a\"b\\c"), "\"a\\u0022b\\u005cc\"");
	assert_string_equal(quoted("one\ntwo\r\t\x1b[2J\x7f"), "\"one\\u000atwo\\u000d\\u0009\\u001b[2J\\u007f\"");
	assert_string_equal(quoted(""), "\"\"");
}

static void text_that_is_utf8_stays_and_the_rest_is_marked(void **state)
{
	(void)state;
	assert_string_equal(quoted("Grüße, 鍵, 🔑"), "\"Grüße, 鍵, 🔑\"");
	assert_string_equal(quoted("a\xff\xc3"), "\"a\\ufffd\\ufffd\"");          /* no byte of UTF-8; cut short */
	assert_string_equal(quoted("\xc0\xaf"), "\"\\ufffd\\ufffd\"");            /* an overlong slash */
	assert_string_equal(quoted("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\""); /* a surrogate */
	assert_string_equal(quoted("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* above U+10FFFF */
	assert_string_equal(quoted("\xc2\x9b"
	                           "31m"),
	                    "\"\\u009b31m\""); /* a terminal's CSI in one */
	assert_string_equal(quoted("a\xe2\x80\xae"
	                           "b"),
	                    "\"a\\u202eb\""); /* turns the reading direction */
}

static void a_long_value_is_cut_and_the_line_stays_whole(void **state)
{
	static char text[2 * LOG_LINE_BYTES_MAX];
	(void)state;

	/* Cut at every place within a character of three bytes and within an escape of six. */
	for (size_t shift = 0; shift < 8; shift++) {
		static const char *const units[] = {"鍵", "\n", "x"};

		for (size_t u = 0; u < 3; u++) {
			size_t len = shift, unit = strlen(units[u]);
			const char *line;

			memset(text, 'a', sizeof text);
			for (; len + unit < LOG_LINE_BYTES_MAX + 100; len += unit)
				memcpy(text + len, units[u], unit);
			text[len] = 0;
			LOG(LOG_INFO, "x", LOG_STR("v", text), LOG_INT("left_out", 1));
			line = logged();
			assert_true(strlen(line) <= LOG_LINE_BYTES_MAX);
			assert_true(strlen(line) > LOG_LINE_BYTES_MAX - 32);
			assert_string_equal(line + strlen(line) - strlen("…\"}\n"), "…\"}\n");
			assert_null(strstr(line, "left_out"));
			assert_null(strstr(line, "\xe9\x8d…"));
		}
	}
}

static void many_fields_never_overflow_a_line(void **state)
{
	struct log_field fields[300];
	(void)state;

	for (size_t len = 0; len < 200; len++) {
		char value[201] = {0};
		const char *line;

		memset(value, '\n', len);
		for (size_t i = 0; i < 300; i++)
			fields[i] = (struct log_field)LOG_STR("name", value);
		log_write(LOG_INFO, "x", fields, 300);
		line = logged();
		assert_true(strlen(line) <= LOG_LINE_BYTES_MAX);
		assert_string_equal(line + strlen(line) - 3, "\"}\n");
	}
}

static void long_names_are_cut_too(void **state)
{
	static char name[LOG_LINE_BYTES_MAX + 1];
	const char *line;
	(void)state;

	memset(name, '\n', LOG_LINE_BYTES_MAX);
	log_open(name, LOG_INFO);
	LOG(LOG_INFO, name, LOG_STR(name, name));
	line = logged();
	assert_true(strlen(line) <= LOG_LINE_BYTES_MAX);
	assert_non_null(strstr(line, ",\"event\":\"\\u000a"));
	assert_non_null(strstr(line, "…\":\"\\u000a"));
	log_open("test", LOG_INFO);
}

static void errno_survives_and_a_log_that_cannot_be_written_is_let_go(void **state)
{
	CLEANUP(fd_closep) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	(void)state;

	log_to_fd(full);
	errno = EXDEV;
	LOG(LOG_INFO, "x");
	assert_int_equal(errno, EXDEV);
}

#define LOGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOGGED(a_line_is_one_json_object),
		LOGGED(lower_levels_are_dropped),
		LOGGED(hostile_text_cannot_leave_its_quotes),
		LOGGED(text_that_is_utf8_stays_and_the_rest_is_marked),
		LOGGED(a_long_value_is_cut_and_the_line_stays_whole),
		LOGGED(many_fields_never_overflow_a_line),
		LOGGED(long_names_are_cut_too),
		LOGGED(errno_survives_and_a_log_that_cannot_be_written_is_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
