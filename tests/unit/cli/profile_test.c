#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "cli/profile.h"

#define KEY "cloister-broker+AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="

static struct why why;

static void an_endpoint_is_https_and_has_a_port(void **state)
{
	struct profile p = {0};
	(void)state;

	assert_int_equal(profile_read_endpoint("https://127.0.0.1:8443", &p, &why), ERR_OK);
	assert_string_equal(p.host, "127.0.0.1");
	assert_int_equal(p.port, 8443);
	assert_int_equal(profile_read_endpoint("https://cloister.example/", &p, &why), ERR_OK);
	assert_int_equal(p.port, 443);
	assert_int_equal(profile_read_endpoint("https://[::1]:9", &p, &why), ERR_OK);
	assert_string_equal(p.host, "::1");
	assert_int_equal(profile_read_endpoint("http://h:1", &p, &why), ERR_INVALID);
	assert_int_equal(profile_read_endpoint("https://", &p, &why), ERR_INVALID);
	assert_int_equal(profile_read_endpoint("https://h:0", &p, &why), ERR_INVALID);
	assert_int_equal(profile_read_endpoint("https://h/path", &p, &why), ERR_INVALID);
}

static void a_broker_key_is_64_bytes(void **state)
{
	struct profile p = {0};
	(void)state;

	assert_int_equal(profile_read_broker_key(KEY, &p, &why), ERR_OK);
	assert_int_equal(p.broker_key[63], 63);
	assert_int_equal(profile_read_broker_key("cloister-broker+AAAA", &p, &why), ERR_INVALID);
	assert_int_equal(profile_read_broker_key("AAAA", &p, &why), ERR_INVALID);
	assert_int_equal(profile_read_broker_key(KEY "A", &p, &why), ERR_INVALID);
}

static void names_can_not_leave_the_directory(void **state)
{
	(void)state;
	assert_int_equal(profile_name_check("lab-2_A", &why), ERR_OK);
	assert_int_equal(profile_name_check("", &why), ERR_INVALID);
	assert_int_equal(profile_name_check("../x", &why), ERR_INVALID);
	assert_int_equal(profile_name_check("a.json", &why), ERR_INVALID);
}

static void a_profile_reads_back(void **state)
{
	CLEANUP(profile_clear) struct profile p = {.name = "lab", .host = "::1", .port = 8443, .region = "us-east-1"};
	CLEANUP(profile_clear) struct profile read = {0};
	CLEANUP(buf_freep) struct buf *text = NULL;
	(void)state;

	assert_int_equal(profile_read_broker_key(KEY, &p, &why), ERR_OK);
	assert_int_equal(slice_dup_str(slice_str("-----BEGIN\nCERT\n"), &p.ca_pem, &why), ERR_OK);
	assert_int_equal(buf_new(65536, &text, &why), ERR_OK);
	assert_int_equal(profile_print(&p, text, &why), ERR_OK);
	assert_int_equal(profile_parse(buf_slice(text), "lab", &read, &why), ERR_OK);
	assert_string_equal(read.host, "::1");
	assert_int_equal(read.port, 8443);
	assert_string_equal(read.ca_pem, p.ca_pem);
	assert_memory_equal(read.broker_key, p.broker_key, sizeof p.broker_key);
}

static int parse(const char *json)
{
	CLEANUP(profile_clear) struct profile p = {0};

	return profile_parse(slice_str(json), "lab", &p, &why);
}

static void other_profiles_are_refused(void **state)
{
#define REST "\"region\":\"r\",\"broker_key\":\"" KEY "\",\"ca\":\"x\"}"
	(void)state;

	assert_int_equal(parse("{\"v\":1,\"endpoint\":\"https://h\"," REST), ERR_OK);
	assert_int_equal(parse("{\"v\":2,\"endpoint\":\"https://h\"," REST), ERR_INVALID);
	assert_int_equal(parse("{\"v\":1,\"endpont\":\"https://h\"," REST), ERR_INVALID);
	assert_non_null(strstr(why.text, "endpoint"));
	assert_int_equal(parse("{\"v\":1,\"endpoint\":\"ftp://h\"," REST), ERR_INVALID);
	assert_int_equal(parse("[]"), ERR_INVALID);
	assert_int_equal(parse("{\"v\":1}"), ERR_INVALID);
}

static int read_section(const char *text, const char *section, struct credentials *c)
{
	return credentials_parse(slice_str(text), section, c, &why);
}

static void a_section_of_the_credentials_is_found(void **state)
{
	static const char text[] =
		"# mine\n[default]\naws_access_key_id = AK1\r\naws_secret_access_key=s/1+=\n\n"
		"[ lab ]\naws_secret_access_key = s2\naws_access_key_id=AK2\naws_session_token = t2\n"
		"region = nowhere\n";
	CLEANUP(credentials_clear) struct credentials c = {0};
	CLEANUP(credentials_clear) struct credentials lab = {0};
	(void)state;

	assert_int_equal(read_section(text, "default", &c), ERR_OK);
	assert_string_equal(c.access_key, "AK1");
	assert_int_equal(secret_len(c.secret_key), 5);
	assert_memory_equal(secret_peek(c.secret_key), "s/1+=", 5);
	assert_null(c.token);
	assert_int_equal(read_section(text, "lab", &lab), ERR_OK);
	assert_string_equal(lab.access_key, "AK2");
	assert_string_equal(lab.token, "t2");
}

static void what_the_credentials_lack_is_said(void **state)
{
	CLEANUP(credentials_clear) struct credentials c = {0};
	(void)state;

	assert_int_equal(read_section("[a]\naws_access_key_id=x\naws_secret_access_key=y", "b", &c), ERR_NOTFOUND);
	assert_non_null(strstr(why.text, "[b]"));
	assert_int_equal(read_section("[b]\naws_access_key_id=x\n", "b", &c), ERR_INVALID);
	assert_int_equal(read_section("", "b", &c), ERR_NOTFOUND);
	assert_null(c.secret_key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_endpoint_is_https_and_has_a_port),
		cmocka_unit_test(a_broker_key_is_64_bytes),
		cmocka_unit_test(names_can_not_leave_the_directory),
		cmocka_unit_test(a_profile_reads_back),
		cmocka_unit_test(other_profiles_are_refused),
		cmocka_unit_test(a_section_of_the_credentials_is_found),
		cmocka_unit_test(what_the_credentials_lack_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
