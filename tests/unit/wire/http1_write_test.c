#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/http1_chunked.h"
#include "wire/http1_head.h"
#include "wire/http1_write.h"

static int new_buf(void **state)
{
	struct buf *b = NULL;

	if (buf_new(4096, &b, NULL) != ERR_OK)
		return -1;
	*state = b;
	return 0;
}

static int free_buf(void **state)
{
	buf_free(*state);
	return 0;
}

static void what_is_written_as_a_request_reads_back(void **state)
{
	struct buf *b = *state;
	struct http1_request r;
	(void)state;

	assert_int_equal(http1_put_request(b, slice_str("PUT"), slice_str("/a%20b?c"), NULL), ERR_OK);
	assert_int_equal(http1_put_field(b, "Host", slice_str("a"), NULL), ERR_OK);
	assert_int_equal(http1_put_field(b, "X-Empty", slice_str(""), NULL), ERR_OK);
	assert_int_equal(http1_put_field(b, "Content-Length", slice_str("3"), NULL), ERR_OK);
	assert_int_equal(buf_put_str(b, "\r\n", NULL), ERR_OK);
	assert_int_equal(http1_request_parse(buf_slice(b), &r, NULL, NULL), ERR_OK);
	assert_int_equal(r.length, 3);
	assert_int_equal(r.fields.count, 3);
	assert_true(slice_is_str(r.target, "/a%20b?c"));
}

static void what_is_written_as_a_response_reads_back(void **state)
{
	struct buf *b = *state;
	struct http1_response r;

	for (unsigned status = 100; status <= 599; status++) {
		buf_reset(b);
		assert_int_equal(http1_put_status(b, status, NULL), ERR_OK);
		assert_int_equal(buf_put_str(b, "\r\n", NULL), ERR_OK);
		assert_int_equal(http1_response_parse(buf_slice(b), slice_str("GET"), &r, NULL), ERR_OK);
		assert_int_equal(r.status, status);
		assert_true(slice_is_str(r.reason, http1_reason(status)));
	}
	assert_string_equal(http1_reason(413), "Content Too Large");
	assert_string_equal(http1_reason(499), "");
}

static void nothing_passed_in_can_end_a_line(void **state)
{
	static const char *const values[] = {"a\r\nX: b", "a\nb", "a\rb", "a\x01", "\x7f", " a", "a ", "\ta"};
	static const char *const names[] = {"", "A B", "A:", "A\r\nB", "\xc3\xa9"};
	struct buf *b = *state;

	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		assert_int_equal(http1_put_field(b, "A", slice_str(values[i]), NULL), ERR_INVALID);
	assert_int_equal(http1_put_field(b, "A", slice_of("a\0b", 3), NULL), ERR_INVALID);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_int_equal(http1_put_field(b, names[i], slice_str("a"), NULL), ERR_INVALID);
	assert_int_equal(http1_put_request(b, slice_str("GET /x"), slice_str("/"), NULL), ERR_INVALID);
	assert_int_equal(http1_put_request(b, slice_str("GET"), slice_str("/ HTTP/1.1\r\nA: b"), NULL), ERR_INVALID);
	assert_int_equal(http1_put_request(b, slice_str("GET"), slice_str("a"), NULL), ERR_INVALID);
	assert_int_equal(http1_put_status(b, 99, NULL), ERR_INVALID);
	assert_int_equal(http1_put_status(b, 600, NULL), ERR_INVALID);
	assert_int_equal(buf_len(b), 0);
}

static void a_full_buffer_takes_no_half_field(void **state)
{
	CLEANUP(buf_freep) struct buf *small = NULL;
	(void)state;

	assert_int_equal(buf_new(7, &small, NULL), ERR_OK);
	assert_int_equal(http1_put_field(small, "AB", slice_str("cd"), NULL), ERR_LIMIT);
	assert_int_equal(buf_len(small), 0);
	assert_int_equal(http1_put_field(small, "AB", slice_str("c"), NULL), ERR_OK);
	assert_memory_equal(buf_slice(small).ptr, "AB: c\r\n", 7);
}

static void chunk_heads_are_what_the_decoder_reads(void **state)
{
	static const size_t sizes[] = {1, 9, 10, 15, 16, 255, 256, 65536, 1u << 31, SIZE_MAX};
	char head[HTTP1_CHUNK_HEAD_BYTES];
	(void)state;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t len = http1_chunk_head(sizes[i], head);
		struct cursor in = cursor_of(slice_of(head, len));
		struct http1_chunked c;
		struct slice piece;

		assert_true(len <= sizeof head);
		http1_chunked_init(&c);
		assert_int_equal(http1_chunked_feed(&c, &in, &piece, NULL), ERR_OK);
		assert_int_equal(c.state, HTTP1_CHUNKED_DATA);
		assert_true(c.left == sizes[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_as_a_request_reads_back, new_buf, free_buf),
		cmocka_unit_test_setup_teardown(what_is_written_as_a_response_reads_back, new_buf, free_buf),
		cmocka_unit_test_setup_teardown(nothing_passed_in_can_end_a_line, new_buf, free_buf),
		cmocka_unit_test(a_full_buffer_takes_no_half_field),
		cmocka_unit_test(chunk_heads_are_what_the_decoder_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
