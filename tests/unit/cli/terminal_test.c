#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/progress.h"
#include "cli/terminal.h"

static void sizes_read_as_people_write_them(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},           {1023, "1023 B"},        {1024, "1.0 KiB"},        {1536, "1.5 KiB"},
		{1048575, "1.0 MiB"}, {1ull << 30, "1.0 GiB"}, {UINT64_MAX, "16.0 EiB"},
	};
	char text[TERMINAL_SIZE_BYTES];
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		terminal_size(cases[i].bytes, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void durations_have_hours_only_when_they_need_them(void **state)
{
	char text[TERMINAL_DURATION_BYTES];
	(void)state;

	terminal_duration(42, text);
	assert_string_equal(text, "0:42");
	terminal_duration(3723, text);
	assert_string_equal(text, "1:02:03");
	terminal_duration(UINT64_MAX, text);
	assert_string_equal(text, "-:--");
}

static void text_is_cut_between_characters(void **state)
{
	(void)state;
	assert_int_equal(terminal_columns("aé…z"), 4);
	assert_int_equal(terminal_fit("aé…z", 2), 3);
	assert_int_equal(terminal_fit("aé…z", 99), 7);
	assert_int_equal(terminal_fit("abc", 0), 0);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	char text[] = "a\033[2Jb\nc\177é";
	(void)state;

	terminal_clean(text);
	assert_string_equal(text, "a?[2Jb?c?é");
}

static void a_pipe_has_no_colour_and_a_width(void **state)
{
	struct terminal t;
	int ends[2];
	(void)state;

	assert_int_equal(pipe(ends), 0);
	unsetenv("COLUMNS");
	t = terminal_of(ends[1]);
	assert_false(t.is_terminal);
	assert_false(t.has_colour);
	assert_int_equal(t.width, 80);
	setenv("COLUMNS", "123", 1);
	assert_int_equal(terminal_of(ends[1]).width, 123);
	setenv("COLUMNS", "wide", 1);
	assert_int_equal(terminal_of(ends[1]).width, 80);
	close(ends[0]);
	close(ends[1]);
}

static void progress_tells_part_rate_and_time_left(void **state)
{
	const struct terminal narrow = {.is_terminal = true, .width = 40}, wide = {.is_terminal = true, .width = 100};
	const struct terminal file = {.width = 80};
	char line[PROGRESS_LINE_BYTES];
	(void)state;

	progress_line("sealing", 256 << 20, 1 << 30, 2000, &wide, line);
	assert_string_equal(
		line, "sealing  [#######.......................]   25 %  256.0 MiB of 1.0 GiB  128.0 MiB/s  0:06 left");
	progress_line("sealing", 256 << 20, 1 << 30, 2000, &narrow, line);
	assert_int_equal(terminal_columns(line), 40);
	assert_null(strchr(line, '['));
	progress_line("sealing", 256 << 20, 1 << 30, 2000, &file, line);
	assert_string_equal(line, "sealing:  25 %  256.0 MiB of 1.0 GiB  128.0 MiB/s  0:06 left");
}

static void progress_survives_what_nobody_knows(void **state)
{
	const struct terminal wide = {.is_terminal = true, .width = 100};
	char line[PROGRESS_LINE_BYTES];
	(void)state;

	progress_line("sealing", 1024, PROGRESS_TOTAL_UNKNOWN, 1000, &wide, line);
	assert_string_equal(line, "sealing  1.0 KiB  1.0 KiB/s");
	progress_line("sealing", 0, 0, 0, &wide, line);
	assert_non_null(strstr(line, "100 %"));
	progress_line("sealing", 0, 100, 1000, &wide, line);
	assert_non_null(strstr(line, "-:-- left"));
	progress_line("sealing", 200, 100, 1000, &wide, line);
	assert_non_null(strstr(line, "100 %"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_read_as_people_write_them),
		cmocka_unit_test(durations_have_hours_only_when_they_need_them),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(a_pipe_has_no_colour_and_a_width),
		cmocka_unit_test(progress_tells_part_rate_and_time_left),
		cmocka_unit_test(progress_survives_what_nobody_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
