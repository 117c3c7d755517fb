/* The server as curl sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net_fixture.h"

static int start(void **state)
{
	struct fixture *f = *state;
	char command[256], out[256];
	const char *const argv[] = {"sh", "-c", command, NULL};

	snprintf(command, sizeof command, "head -c 3000000 /dev/zero | tr '\\000' b >%s/body", f->dir);
	assert_int_equal(run(argv, out, sizeof out), 0);
	fixture_start(f);
	return 0;
}

static int stop(void **state)
{
	fixture_stop(*state);
	return 0;
}

/* Runs curl with these arguments; in them, @ stands for the address of the server and ^ for the fixture's directory. */
static int curl(const struct fixture *f, const char *arguments, char *out, size_t size)
{
	char command[1024];
	const char *const argv[] = {"sh", "-c", command, NULL};
	size_t len = (size_t)snprintf(command, sizeof command, "timeout 20 curl -sS --cacert %s/ca.pem ", f->dir);

	for (const char *at = arguments; *at && len < sizeof command - 64; at++) {
		if (*at == '@')
			len += (size_t)snprintf(command + len, sizeof command - len, "https://localhost:%u",
			                        f->tls_port);
		else if (*at == '^')
			len += (size_t)snprintf(command + len, sizeof command - len, "%s", f->dir);
		else
			command[len++] = *at;
		command[len] = 0;
	}
	return run(argv, out, size);
}

static void curl_gets_twice_over_one_connection(void **state)
{
	char out[8192];

	assert_int_equal(curl(*state, "-v -w ' connects=%{num_connects}' @/hello @/hello", out, sizeof out), 0);
	assert_non_null(strstr(out, "TLSv1.3"));
	assert_non_null(strstr(out, "connects=1"));
	assert_non_null(strstr(out, "connects=0")); /* the second one made none of its own */
}

static void curl_puts_by_length_and_in_chunks(void **state)
{
	char out[8192];

	assert_int_equal(curl(*state, "-T ^/body @/count", out, sizeof out), 0);
	assert_string_equal(out, "3000000 294000000");
	assert_int_equal(curl(*state, "-T - @/count <^/body", out, sizeof out), 0);
	assert_string_equal(out, "3000000 294000000");
}

static void curl_waits_for_continue(void **state)
{
	char out[8192];

	assert_int_equal(curl(*state, "-v -H 'Expect: 100-continue' -T ^/body @/count 2>&1", out, sizeof out), 0);
	assert_non_null(strstr(out, "HTTP/1.1 100 Continue"));
	assert_non_null(strstr(out, "3000000 294000000"));
}

static void curl_takes_an_early_refusal(void **state)
{
	char out[8192];

	assert_int_equal(curl(*state, "-w ' %{http_code}' -H 'Expect:' -T ^/body @/early", out, sizeof out), 0);
	assert_string_equal(out, "no\n 403");
}

static void curl_echoes_in_chunks(void **state)
{
	char out[8192];

	assert_int_equal(curl(*state, "-H 'Transfer-Encoding: chunked' -T ^/body @/echo | cmp - ^/body && echo same",
	                      out, sizeof out),
	                 0);
	assert_string_equal(out, "same\n");
}

static void curl_sees_the_head_alone(void **state)
{
	char out[8192];

	assert_int_equal(curl(*state, "-I @/large?123456", out, sizeof out), 0);
	assert_non_null(strstr(out, "Content-Length: 123456\r\n"));
}

static void curl_downloads_whole(void **state)
{
	char out[8192];

	assert_int_equal(curl(*state, "@/large?30000000 | wc -c", out, sizeof out), 0);
	assert_int_equal(strtol(out, NULL, 10), 30000000);
}

static void curl_notices_an_answer_that_is_cut_short(void **state)
{
	char out[8192];

	assert_int_not_equal(curl(*state, "@/short", out, sizeof out), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(curl_gets_twice_over_one_connection),
		TEST(curl_puts_by_length_and_in_chunks),
		TEST(curl_waits_for_continue),
		TEST(curl_takes_an_early_refusal),
		TEST(curl_echoes_in_chunks),
		TEST(curl_sees_the_head_alone),
		TEST(curl_downloads_whole),
		TEST(curl_notices_an_answer_that_is_cut_short),
	};

	return cmocka_run_group_tests(tests, fixture_new, fixture_free);
}
