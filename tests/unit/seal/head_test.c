#include "sealing.h"

#include "base/limits.h"
#include "crypto/hash.h"

static struct buf *printed(const struct seal_core *core, const char *wraps)
{
	struct buf *json, *head;

	OK(buf_new(SEAL_CORE_BYTES_MAX, &json, &why));
	OK(buf_new(SEAL_HEAD_BYTES_MAX, &head, &why));
	OK(seal_core_print(core, json, &why));
	OK(seal_head_print(buf_slice(json), slice_str(wraps), head, &why));
	buf_free(json);
	return head;
}

static void a_core_has_one_spelling(void **state)
{
	struct seal_core core = {.created_wall_ms = 1795376000000, .plaintext_type = "text/csv; charset=utf-8"}, again;
	struct buf *json;
	(void)state;

	memset(core.id, 0xab, sizeof core.id);
	OK(buf_new(SEAL_CORE_BYTES_MAX, &json, &why));
	OK(seal_core_print(&core, json, &why));
	assert_true(
		slice_is_str(buf_slice(json),
	                     "{\"alg\":\"COBBLESTONE-256\",\"created\":\"2026-11-22T19:33:20Z\",\"id\":\"q6urq6urq6urq6"
	                     "urq6urq6urq6urq6urq6urq6urq6s=\",\"plaintext_type\":\"text/csv; charset=utf-8\"}"));
	OK(seal_core_parse(buf_slice(json), &again, &why));
	assert_memory_equal(again.id, core.id, sizeof core.id);
	assert_int_equal(again.created_wall_ms, core.created_wall_ms);
	assert_string_equal(again.plaintext_type, core.plaintext_type);
	buf_free(json);
}

static void other_spellings_of_a_core_are_refused(void **state)
{
#define ID "\"id\":\"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\""
	static const char *const bad[] = {
		"",
		"{}",
		"{\"alg\":\"COBBLESTONE-128\",\"created\":\"2026-11-22T19:33:20Z\"," ID ",\"plaintext_type\":\"a/b\"}",
		"{\"alg\":\"COBBLESTONE-256\",\"created\":\"2026-11-22T19:33:20.1Z\"," ID
		",\"plaintext_type\":\"a/b\"}",
		"{\"alg\":\"COBBLESTONE-256\",\"created\":\"2026-13-22T19:33:20Z\"," ID ",\"plaintext_type\":\"a/b\"}",
		"{\"alg\":\"COBBLESTONE-256\", \"created\":\"2026-11-22T19:33:20Z\"," ID ",\"plaintext_type\":\"a/b\"}",
		"{\"alg\":\"COBBLESTONE-256\",\"created\":\"2026-11-22T19:33:20Z\",\"id\":\"q6s=\",\"plaintext_type\":"
		"\"a\"}",
		"{\"alg\":\"COBBLESTONE-256\",\"created\":\"2026-11-22T19:33:20Z\"," ID ",\"plaintext_type\":\"\"}",
		"{\"alg\":\"COBBLESTONE-256\",\"created\":\"2026-11-22T19:33:20Z\"," ID
		",\"plaintext_type\":\"a\\u0041\"}",
		"{\"alg\":\"COBBLESTONE-256\",\"created\":\"2026-11-22T19:33:20Z\"," ID ",\"plaintext_type\":\"a/b\"} ",
		"{\"alg\":\"COBBLESTONE-256\",\"created\":\"2026-11-22T19:33:20Z\"," ID
		",\"plaintext_type\":\"a/b\",\"x\":1}",
	};
#undef ID
	struct seal_core core;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (err_class(seal_core_parse(slice_str(bad[i]), &core, &why)) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
}

static void media_types_have_a_limit(void **state)
{
	char type[SEAL_TYPE_BYTES_MAX + 2];
	struct seal_core core;
	(void)state;

	memset(type, 'a', sizeof type);
	type[SEAL_TYPE_BYTES_MAX] = 0;
	OK(seal_core_new(type, 0, &core, &why));
	type[SEAL_TYPE_BYTES_MAX] = 'a';
	type[SEAL_TYPE_BYTES_MAX + 1] = 0;
	assert_int_equal(seal_core_new(type, 0, &core, &why), ERR_INVALID);
	assert_int_equal(seal_core_new("text/\"csv\"", 0, &core, &why), ERR_INVALID);
}

static void a_head_comes_apart_as_it_was_put_together(void **state)
{
	struct seal_core core;
	struct seal_head head;
	uint8_t expected[SEAL_HASH_BYTES];
	struct buf *bytes;
	(void)state;

	OK(seal_core_new("text/csv", 0, &core, &why));
	bytes = printed(&core, "[]  ");
	OK(seal_head_parse(buf_slice(bytes), &head, &why));
	assert_true(slice_is_str(head.wraps, "[]  "));
	assert_int_equal(head.message_at, buf_len(bytes));
	assert_int_equal(head.wraps_at, buf_len(bytes) - 4);
	/* The hash is over everything up to the core's end. */
	sha256(slice_of(buf_slice(bytes).ptr, head.wraps_at - 4), expected);
	assert_memory_equal(head.core_hash, expected, sizeof expected);
	buf_free(bytes);
}

static void every_cut_of_a_head_is_refused_also_from_a_descriptor(void **state)
{
	struct seal_core core;
	struct seal_head head;
	struct buf *bytes, *into;
	(void)state;

	OK(seal_core_new("text/csv", 0, &core, &why));
	OK(buf_new(SEAL_HEAD_BYTES_MAX, &into, &why));
	bytes = printed(&core, "[]");
	for (size_t len = 0; len < buf_len(bytes); len++) {
		int fd = memory_file();

		assert_int_equal(seal_head_parse(slice_of(buf_slice(bytes).ptr, len), &head, &why), ERR_INVALID);
		OK(fd_write_all(fd, slice_of(buf_slice(bytes).ptr, len), &why));
		lseek(fd, 0, SEEK_SET);
		assert_int_equal(seal_head_read(fd, into, &head, &why), ERR_INVALID);
		close(fd);
	}
	buf_free(into);
	buf_free(bytes);
}

static void lengths_over_their_limits_are_named(void **state)
{
	static const char big_core[] = SEAL_MAGIC "\0\0\x10\1";
	static const char big_wraps[] = SEAL_MAGIC "\0\0\0\2{}\0\1\0\1";
	struct seal_head head;
	(void)state;

	assert_int_equal(seal_head_parse(slice_of(big_core, sizeof big_core - 1), &head, &why), ERR_LIMIT);
	assert_non_null(strstr(why.text, "4097"));
	assert_int_equal(seal_head_parse(slice_of(big_wraps, sizeof big_wraps - 1), &head, &why), ERR_LIMIT);
	assert_non_null(strstr(why.text, "65537"));
}

static void other_versions_and_other_files_are_told_apart(void **state)
{
	struct seal_head head;
	(void)state;

	assert_int_equal(seal_head_parse(slice_str("cloister.sealed/v2\n\0\0\0\0"), &head, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "another version"));
	assert_int_equal(seal_head_parse(slice_str("PK\3\4 something else"), &head, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "not a sealed file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_core_has_one_spelling),
		cmocka_unit_test(other_spellings_of_a_core_are_refused),
		cmocka_unit_test(media_types_have_a_limit),
		cmocka_unit_test(a_head_comes_apart_as_it_was_put_together),
		cmocka_unit_test(every_cut_of_a_head_is_refused_also_from_a_descriptor),
		cmocka_unit_test(lengths_over_their_limits_are_named),
		cmocka_unit_test(other_versions_and_other_files_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
