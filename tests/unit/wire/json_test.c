#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "wire/json.h"
#include "wire/suggest.h"

static int read_text(const char *text, json_t **value, struct why *why)
{
	return json_read(slice_str(text), value, why);
}

static json_t *object_of(const char *text)
{
	json_t *object = NULL;

	assert_int_equal(json_read_object(slice_str(text), &object, NULL), ERR_OK);
	return object;
}

static void what_is_not_strict_json_is_refused(void **state)
{
	static const char *const refused[] = {
		"",
		"1",
		"\"a\"",
		"null",
		"{",
		"[1,]",
		"{\"a\":1,}",
		"{a:1}",
		"{'a':1}",
		"[01]",
		"[+1]",
		"[.5]",
		"[1.]",
		"[NaN]",
		"[Infinity]",
		"[0x1]",
		"[1] [2]",
		"[1]x",
		"// c\n[]",
		"{\"a\":1,\"a\":2}",
		"{\"a\":1,\"\\u0061\":2}",
		"[\"\\u0000\"]",
		"{\"\\u0000\":1}",
		"[\"\\ud800\"]",
		"[\"\\udc00\\ud800\"]",
		"[\"\xff\"]",
		"[\"\xc0\xaf\"]",
		"[\"\xed\xa0\x80\"]",
		"[\"\n\"]",
		"[\"\\x41\"]",
		"[9223372036854775808]",
		"[1e400]",
		"\xef\xbb\xbf[]",
	};
	json_t *value = NULL;
	struct why why;
	(void)state;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (read_text(refused[i], &value, &why) != ERR_INVALID)
			fail_msg("accepted: %s", refused[i]);
	assert_null(value);
	assert_int_equal(json_read(slice_of("[\"\0\"]", 5), &value, NULL), ERR_INVALID);
	assert_int_equal(json_read(slice_of("[]\0", 3), &value, NULL), ERR_INVALID);
}

static void the_place_of_a_mistake_is_named(void **state)
{
	json_t *value = NULL;
	struct why why;
	(void)state;

	assert_int_equal(read_text("{\n  \"a\": tru\n}", &value, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "line 2"));
	/* nothing of the peer's text is shown: it could act upon a terminal */
	assert_int_equal(read_text("[\"\xff\xfe\"]", &value, &why), ERR_INVALID);
	assert_null(memchr(why.text, 0xff, strlen(why.text)));
	assert_int_equal(read_text("{\"\x7f[2J\" 1}", &value, &why), ERR_INVALID);
	assert_null(strstr(why.text, "[2J"));
}

static void an_object_is_told_from_an_array(void **state)
{
	json_t *object = NULL;
	(void)state;

	assert_int_equal(json_read_object(slice_str("[]"), &object, NULL), ERR_INVALID);
	assert_null(object);
	assert_int_equal(json_read_object(slice_str("{}"), &object, NULL), ERR_OK);
	json_decref(object);
}

/* `count` times `open`, then as often `close`. */
static char *nested(char open, char close, size_t count)
{
	char *text = malloc(2 * count + 1);

	assert_non_null(text);
	memset(text, open, count);
	memset(text + count, close, count);
	text[2 * count] = 0;
	return text;
}

static void texts_over_the_limits_are_refused(void **state)
{
	CLEANUP(free_p) char *deep = nested('[', ']', JSON_DEPTH_MAX);
	CLEANUP(free_p) char *deeper = nested('[', ']', JSON_DEPTH_MAX + 1);
	CLEANUP(free_p) char *large = malloc(JSON_BYTES_MAX + 2);
	json_t *value = NULL;
	(void)state;

	assert_int_equal(read_text(deep, &value, NULL), ERR_OK);
	json_freep(&value);
	assert_int_equal(read_text(deeper, &value, NULL), ERR_LIMIT);
	assert_non_null(large);
	memset(large, ' ', JSON_BYTES_MAX + 1);
	memcpy(large, "[]", 2);
	assert_int_equal(json_read(slice_of(large, JSON_BYTES_MAX + 1), &value, NULL), ERR_LIMIT);
	assert_int_equal(json_read(slice_of(large, JSON_BYTES_MAX), &value, NULL), ERR_OK);
	json_freep(&value);
	for (size_t i = 0; i < JSON_VALUES_MAX; i++)
		memcpy(large + 2 * i, "1,", 2);
	large[0] = '[';
	memcpy(large + 2 * JSON_VALUES_MAX - 2, "1]", 2);
	large[1] = ' ';
	/* the array and JSON_VALUES_MAX - 1 numbers */
	assert_int_equal(json_read(slice_of(large, 2 * JSON_VALUES_MAX), &value, NULL), ERR_OK);
	json_freep(&value);
	large[1] = '['; /* one more */
	assert_int_equal(json_read(slice_of(large, 2 * JSON_VALUES_MAX), &value, NULL), ERR_LIMIT);
}

/* Brackets inside strings do not nest. */
static void the_shape_is_counted_outside_strings(void **state)
{
	CLEANUP(json_freep) json_t *value = NULL;
	(void)state;

	assert_int_equal(read_text("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\",\"\\\\\"]", &value, NULL),
	                 ERR_OK);
}

static void members_are_read_by_kind(void **state)
{
	CLEANUP(json_freep)
	json_t *object = object_of("{\"KeyId\":\"k\",\"Days\":7,\"On\":true,\"Tags\":[1],\"Ctx\":{\"a\":\"b\"},"
	                           "\"Data\":\"AAEC\",\"N\":null}");
	CLEANUP(buf_freep) struct buf *bytes = NULL;
	CLEANUP(secret_freep) struct secret *secret = NULL;
	const char *text = NULL;
	json_t *array, *context;
	int64_t days;
	bool on;
	(void)state;

	assert_int_equal(json_get_str(object, "KeyId", &text, NULL), ERR_OK);
	assert_string_equal(text, "k");
	assert_int_equal(json_get_int(object, "Days", 7, 30, &days, NULL), ERR_OK);
	assert_int_equal(days, 7);
	assert_int_equal(json_get_bool(object, "On", &on, NULL), ERR_OK);
	assert_true(on);
	assert_int_equal(json_get_array(object, "Tags", &array, NULL), ERR_OK);
	assert_int_equal(json_get_object(object, "Ctx", &context, NULL), ERR_OK);
	assert_int_equal(buf_new(3, &bytes, NULL), ERR_OK);
	assert_int_equal(json_get_base64(object, "Data", bytes, NULL), ERR_OK);
	assert_true(slice_equal(buf_slice(bytes), slice_of("\0\1\2", 3)));
	assert_int_equal(json_get_base64_secret(object, "Data", &secret, NULL), ERR_OK);
	assert_int_equal(secret_len(secret), 3);
	assert_memory_equal(secret_peek(secret), "\0\1\2", 3);
}

static void a_wrong_kind_is_said_in_a_sentence(void **state)
{
	CLEANUP(json_freep)
	json_t *object = object_of("{\"KeyId\":5,\"Days\":\"7\",\"On\":1,\"Tags\":{},\"Ctx\":[],\"N\":null,"
	                           "\"Data\":\"A\",\"Empty\":\"\",\"Real\":7.0,\"Many\":31}");
	CLEANUP(buf_freep) struct buf *bytes = NULL;
	struct secret *secret = NULL;
	const char *text = "as it was";
	json_t *value = NULL;
	int64_t number = 3;
	bool on = true;
	struct why why;
	(void)state;

	assert_int_equal(json_get_str(object, "KeyId", &text, &why), ERR_INVALID);
	assert_string_equal(why.text, "KeyId must be a string");
	assert_int_equal(json_get_str(object, "N", &text, &why), ERR_INVALID);
	assert_string_equal(why.text, "N is missing");
	assert_int_equal(json_get_str(object, "Absent", &text, &why), ERR_INVALID);
	assert_string_equal(why.text, "Absent is missing");
	assert_int_equal(json_get_int(object, "Days", 7, 30, &number, &why), ERR_INVALID);
	assert_string_equal(why.text, "Days must be a whole number");
	assert_int_equal(json_get_int(object, "Real", 7, 30, &number, &why), ERR_INVALID);
	assert_int_equal(json_get_int(object, "Many", 7, 30, &number, &why), ERR_INVALID);
	assert_string_equal(why.text, "Many must be from 7 to 30, not 31");
	assert_int_equal(json_get_bool(object, "On", &on, &why), ERR_INVALID);
	assert_string_equal(why.text, "On must be true or false");
	assert_int_equal(json_get_array(object, "Tags", &value, &why), ERR_INVALID);
	assert_string_equal(why.text, "Tags must be a list");
	assert_int_equal(json_get_object(object, "Ctx", &value, &why), ERR_INVALID);
	assert_string_equal(why.text, "Ctx must be an object");
	assert_int_equal(buf_new(64, &bytes, NULL), ERR_OK);
	assert_int_equal(json_get_base64(object, "Data", bytes, &why), ERR_INVALID);
	assert_memory_equal(why.text, "Data: ", 6);
	assert_int_equal(json_get_base64_secret(object, "Empty", &secret, &why), ERR_INVALID);
	assert_int_equal(json_get_base64_secret(object, "Data", &secret, &why), ERR_INVALID);
	assert_string_equal(text, "as it was");
	assert_int_equal(number, 3);
	assert_int_equal(buf_len(bytes), 0);
	assert_null(value);
	assert_null(secret);
}

static void base64_fills_a_buffer_to_its_last_byte(void **state)
{
	CLEANUP(json_freep) json_t *object = object_of("{\"a\":\"AA==\",\"b\":\"AAA=\"}");
	CLEANUP(buf_freep) struct buf *bytes = NULL;
	(void)state;

	assert_int_equal(buf_new(1, &bytes, NULL), ERR_OK);
	assert_int_equal(json_get_base64(object, "b", bytes, NULL), ERR_LIMIT);
	assert_int_equal(json_get_base64(object, "a", bytes, NULL), ERR_OK);
	assert_int_equal(buf_len(bytes), 1);
	assert_int_equal(json_get_base64(object, "a", bytes, NULL), ERR_LIMIT);
}

static void optional_members_leave_what_was_there(void **state)
{
	CLEANUP(json_freep) json_t *object = object_of("{\"N\":null,\"Days\":\"x\"}");
	const char *text = "default";
	int64_t number = 30;
	json_t *value = NULL;
	bool on = true;
	(void)state;

	assert_int_equal(json_opt_str(object, "N", &text, NULL), ERR_OK);
	assert_int_equal(json_opt_str(object, "Absent", &text, NULL), ERR_OK);
	assert_string_equal(text, "default");
	assert_int_equal(json_opt_int(object, "N", 0, 1, &number, NULL), ERR_OK);
	assert_int_equal(json_opt_int(object, "Days", 0, 1, &number, NULL), ERR_INVALID);
	assert_int_equal(number, 30);
	assert_int_equal(json_opt_bool(object, "N", &on, NULL), ERR_OK);
	assert_true(on);
	assert_int_equal(json_opt_object(object, "N", &value, NULL), ERR_OK);
	assert_int_equal(json_opt_array(object, "Absent", &value, NULL), ERR_OK);
	assert_null(value);
}

static void unknown_members_are_named_with_their_neighbour(void **state)
{
	static const char *const known[] = {"KeyId", "Description", NULL};
	CLEANUP(json_freep) json_t *typo = object_of("{\"KeyId\":1,\"Descripton\":2}");
	CLEANUP(json_freep) json_t *other = object_of("{\"Zzz\":1}");
	CLEANUP(json_freep) json_t *odd = object_of("{\"\\u001b[2J\":1}");
	CLEANUP(json_freep) json_t *good = object_of("{\"KeyId\":1}");
	struct why why;
	(void)state;

	assert_int_equal(json_only_members(typo, known, &why), ERR_INVALID);
	assert_string_equal(why.text, "unknown member Descripton; did you mean Description?");
	assert_int_equal(json_only_members(other, known, &why), ERR_INVALID);
	assert_string_equal(why.text, "unknown member Zzz");
	assert_int_equal(json_only_members(odd, known, &why), ERR_INVALID);
	assert_string_equal(why.text, "unknown member with an odd name");
	assert_int_equal(json_only_members(good, known, &why), ERR_OK);
}

static void near_names_are_suggested_and_far_ones_are_not(void **state)
{
	static const char *const known[] = {"listen", "endpoint", "state_dir", "tls", NULL};
	(void)state;

	assert_string_equal(suggest_nearest("lisetn", known), "listen");
	assert_string_equal(suggest_nearest("end_point", known), "endpoint");
	assert_string_equal(suggest_nearest("statedir", known), "state_dir");
	assert_string_equal(suggest_nearest("tsl", known), "tls");
	assert_null(suggest_nearest("password", known));
	assert_null(suggest_nearest("", known));
	assert_null(suggest_nearest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	                            known));
}

static void values_are_written_and_read_back(void **state)
{
	CLEANUP(json_freep) json_t *object = json_object(), *again = NULL;
	CLEANUP(buf_freep) struct buf *text = NULL, *small = NULL;
	(void)state;

	assert_int_equal(json_set_str(object, "s", slice_str("\xc3\xa4\"\n"), NULL), ERR_OK);
	assert_int_equal(json_set_int(object, "i", -5, NULL), ERR_OK);
	assert_int_equal(json_set_bool(object, "b", false, NULL), ERR_OK);
	assert_int_equal(json_set_base64(object, "d", slice_of("\0\1", 2), NULL), ERR_OK);
	assert_int_equal(json_set_str(object, "x", slice_str("\xff"), NULL), ERR_INVALID);
	assert_int_equal(json_set_str(object, "x", slice_of("\0", 1), NULL), ERR_INVALID);
	assert_int_equal(buf_new(4096, &text, NULL), ERR_OK);
	assert_int_equal(json_put(object, text, NULL), ERR_OK);
	assert_true(slice_is_str(buf_slice(text), "{\"s\":\"\xc3\xa4\\\"\\n\",\"i\":-5,\"b\":false,\"d\":\"AAE=\"}"));
	assert_int_equal(json_read(buf_slice(text), &again, NULL), ERR_OK);
	assert_true(json_equal(object, again));
	assert_int_equal(buf_new(10, &small, NULL), ERR_OK);
	assert_int_equal(json_put(object, small, NULL), ERR_LIMIT);
}

/* That the bytes are gone cannot be looked at without reading freed memory; that jansson frees by our function can. */
static void jansson_frees_by_wiping(void **state)
{
	json_malloc_t allocate;
	json_free_t release;
	(void)state;

	json_get_alloc_funcs(&allocate, &release);
	assert_ptr_equal(allocate, malloc);
	assert_ptr_not_equal(release, free);
	release(NULL);
	release(allocate(1));
}

static int begin(void **state)
{
	(void)state;
	return json_init(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_strict_json_is_refused),
		cmocka_unit_test(the_place_of_a_mistake_is_named),
		cmocka_unit_test(an_object_is_told_from_an_array),
		cmocka_unit_test(texts_over_the_limits_are_refused),
		cmocka_unit_test(the_shape_is_counted_outside_strings),
		cmocka_unit_test(members_are_read_by_kind),
		cmocka_unit_test(a_wrong_kind_is_said_in_a_sentence),
		cmocka_unit_test(base64_fills_a_buffer_to_its_last_byte),
		cmocka_unit_test(optional_members_leave_what_was_there),
		cmocka_unit_test(unknown_members_are_named_with_their_neighbour),
		cmocka_unit_test(near_names_are_suggested_and_far_ones_are_not),
		cmocka_unit_test(values_are_written_and_read_back),
		cmocka_unit_test(jansson_frees_by_wiping),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
