#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "wire/http1_chunked.h"

struct decoded {
	char body[64 * 1024];
	size_t len;
	size_t used; /* of the input */
};

/* Feeds `text` in steps of `step` bytes; keeps what was decoded until the first error. */
static int decode(struct http1_chunked *c, struct slice text, size_t step, struct decoded *d, struct why *why)
{
	d->len = d->used = 0;
	http1_chunked_init(c);
	while (d->used < text.len && !http1_chunked_is_done(c)) {
		size_t len = text.len - d->used < step ? text.len - d->used : step;
		struct cursor in = cursor_of(slice_of(text.ptr + d->used, len));

		while (in.rest.len && !http1_chunked_is_done(c)) {
			struct slice piece;

			TRY(http1_chunked_feed(c, &in, &piece, why));
			if (!piece.len)
				continue;
			assert_true(d->len + piece.len <= sizeof d->body);
			memcpy(d->body + d->len, piece.ptr, piece.len);
			d->len += piece.len;
		}
		d->used += len - in.rest.len;
	}
	return ERR_OK;
}

static void a_body_comes_out_whole_however_it_arrives(void **state)
{
	static const char text[] =
		"5\r\nhello\r\n1;a=b;c=\"d e\"\r\n \r\n0006\r\nworld!\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\nGET /";
	static struct decoded d;
	struct http1_chunked c;
	struct http1_fields trailers;
	struct slice value;
	(void)state;

	for (size_t step = 1; step < sizeof text; step++) {
		assert_int_equal(decode(&c, slice_str(text), step, &d, NULL), ERR_OK);
		assert_true(http1_chunked_is_done(&c));
		assert_int_equal(d.len, 12);
		assert_memory_equal(d.body, "hello world!", 12);
		assert_int_equal(d.used, sizeof text - 1 - strlen("GET /"));
		assert_int_equal(http1_chunked_trailers(&c, &trailers, NULL), ERR_OK);
		assert_int_equal(trailers.count, 2);
		assert_int_equal(http1_fields_one(&trailers, "x-b", &value, NULL), ERR_OK);
		assert_memory_equal(value.ptr, "2", 1);
	}
}

static void body_bytes_are_handed_out_where_they_lie(void **state)
{
	static const char text[] = "3\r\nabc\r\n";
	struct cursor in = cursor_of(slice_str(text));
	struct http1_chunked c;
	struct slice piece;
	(void)state;

	http1_chunked_init(&c);
	assert_int_equal(http1_chunked_feed(&c, &in, &piece, NULL), ERR_OK);
	assert_ptr_equal(piece.ptr, text + 3);
	assert_int_equal(piece.len, 3);
}

static void an_empty_body_is_a_last_chunk(void **state)
{
	static struct decoded d;
	struct http1_chunked c;
	struct http1_fields trailers;
	(void)state;

	assert_int_equal(decode(&c, slice_str("0\r\n\r\n"), 9, &d, NULL), ERR_OK);
	assert_true(http1_chunked_is_done(&c));
	assert_int_equal(d.len, 0);
	assert_int_equal(http1_chunked_trailers(&c, &trailers, NULL), ERR_OK);
	assert_int_equal(trailers.count, 0);
}

static void sizes_are_hexadecimal_in_either_case(void **state)
{
	static struct decoded d;
	struct http1_chunked c;
	(void)state;

	assert_int_equal(decode(&c, slice_str("a\r\n0123456789\r\nB\r\n0123456789a\r\n000\r\n\r\n"), 99, &d, NULL),
	                 ERR_OK);
	assert_true(http1_chunked_is_done(&c));
	assert_int_equal(d.len, 21);
}

static void every_cut_leaves_the_body_unfinished(void **state)
{
	static const char text[] = "2\r\nab\r\n0\r\nA: b\r\n\r\n";
	static struct decoded d;
	struct http1_chunked c;
	struct http1_fields trailers;
	(void)state;

	for (size_t len = 0; len < sizeof text - 1; len++) {
		assert_int_equal(decode(&c, slice_of(text, len), 100, &d, NULL), ERR_OK);
		assert_false(http1_chunked_is_done(&c));
		assert_int_equal(http1_chunked_trailers(&c, &trailers, NULL), ERR_INVALID);
	}
}

/* Chunk lines that some reader accepts and another one reads differently: all of them refused. */
static void every_lenient_spelling_is_refused(void **state)
{
	static const char *const bad[] = {
		"\r\n",
		"g\r\n",
		" 1\r\na\r\n",
		"1 \r\na\r\n",
		"1\t\r\na\r\n",
		"0x1\r\na\r\n",
		"+1\r\na\r\n",
		"-1\r\na\r\n",
		"1_0\r\na\r\n",
		"1\na\r\n",
		"1\ra\r\n",
		"1\r\r\na\r\n",
		"1\r\nab\r\n",
		"1\r\na\n",
		"1\r\na\r0",
		"1\r\na0\r\n",
		"1 ;a\r\na\r\n",
		";a\r\n",
		"1;a\nb\r\na\r\n",
		"1;a\rb\r\na\r\n",
		"1;a\x01\r\na\r\n",
		"1;\x80\r\na",
		"1;a\x7f\r\n",
		"1,1\r\na\r\n",
		"1.0\r\na\r\n",
		"0\n\r\n",
		"0\r\n\n",
		"0\r\nA: b\n\r\n",
		"0\r\n\r",
		"\"1\"\r\na",
		"\n1\r\na\r\n",
		"\r\n1\r\na\r\n",
		"1;\n",
		"1\x0b\r\na",
		"1\r\na\r\n\r\n",
	};
	static struct decoded d;
	struct http1_chunked c;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct why why = {""};
		bool is_cut = strcmp(bad[i], "0\r\n\r") == 0;
		int err = decode(&c, slice_str(bad[i]), 1, &d, &why);

		if (is_cut ? http1_chunked_is_done(&c) : (err != ERR_INVALID || !why.text[0]))
			fail_msg("vector %zu accepted: %s", i, bad[i]);
	}
}

static void nul_is_refused_wherever_a_line_is(void **state)
{
	static const char text[] = "1;a\r\nx\r\n0\r\n";
	static struct decoded d;
	struct http1_chunked c;
	(void)state;

	for (size_t i = 0; i < sizeof text - 1; i++) {
		char altered[sizeof text];

		memcpy(altered, text, sizeof text);
		altered[i] = 0;
		assert_int_equal(decode(&c, slice_of(altered, sizeof text - 1), 99, &d, NULL),
		                 i == 5 ? ERR_OK : ERR_INVALID);
	}
}

static void after_a_refusal_nothing_is_accepted(void **state)
{
	struct http1_chunked c;
	struct cursor in = cursor_of(slice_str("x"));
	struct slice piece = {0};
	struct why why;
	(void)state;

	http1_chunked_init(&c);
	assert_int_equal(http1_chunked_feed(&c, &in, &piece, NULL), ERR_INVALID);
	in = cursor_of(slice_str("0\r\n\r\n"));
	assert_int_equal(http1_chunked_feed(&c, &in, &piece, &why), ERR_INVALID);
	assert_string_equal(why.text, "this chunked body was already refused");
	assert_false(http1_chunked_is_done(&c));
}

static void after_the_end_the_input_stays_where_it_is(void **state)
{
	struct http1_chunked c;
	struct cursor in = cursor_of(slice_str("0\r\n\r\nnext"));
	struct slice piece;
	(void)state;

	http1_chunked_init(&c);
	for (int i = 0; i < 3; i++)
		assert_int_equal(http1_chunked_feed(&c, &in, &piece, NULL), ERR_OK);
	assert_int_equal(in.rest.len, 4);
	assert_int_equal(piece.len, 0);
}

static void a_size_has_at_most_sixteen_digits(void **state)
{
	static struct decoded d;
	struct http1_chunked c;
	(void)state;

	assert_int_equal(decode(&c, slice_str("ffffffffffffffff\r\nabc"), 99, &d, NULL), ERR_OK);
	assert_true(c.left == UINT64_MAX - 3);
	assert_int_equal(decode(&c, slice_str("00000000000000001\r\n"), 99, &d, NULL), ERR_LIMIT);
	assert_int_equal(decode(&c, slice_str("10000000000000000\r\n"), 99, &d, NULL), ERR_LIMIT);
	_Static_assert(HTTP1_CHUNK_DIGITS_MAX == 16, "the digits above are as many, and one more");
}

static void one_extension_has_a_bound(void **state)
{
	char text[HTTP1_EXTENSION_BYTES_MAX + 32];
	static struct decoded d;
	struct http1_chunked c;
	(void)state;

	for (int extra = 0; extra < 2; extra++) {
		snprintf(text, sizeof text, "1;%0*d\r\na\r\n", HTTP1_EXTENSION_BYTES_MAX + extra, 0);
		assert_int_equal(decode(&c, slice_str(text), 7, &d, NULL), extra ? ERR_LIMIT : ERR_OK);
	}
}

static void all_extensions_together_have_a_bound(void **state)
{
	enum { EACH = 128, CHUNKS = HTTP1_EXTENSIONS_BYTES_MAX / EACH };
	char chunk[EACH + 16];
	struct http1_chunked c;
	struct slice piece;
	int err = ERR_OK;
	(void)state;

	snprintf(chunk, sizeof chunk, "1;%0*d\r\na\r\n", EACH, 0);
	http1_chunked_init(&c);
	for (int i = 0; i <= CHUNKS; i++) {
		struct cursor in = cursor_of(slice_str(chunk));

		while (err == ERR_OK && in.rest.len)
			err = http1_chunked_feed(&c, &in, &piece, NULL);
		assert_int_equal(err, i < CHUNKS ? ERR_OK : ERR_LIMIT);
	}
}

static void trailers_have_a_bound(void **state)
{
	char text[HTTP1_TRAILER_BYTES_MAX + 32];
	static struct decoded d;
	struct http1_chunked c;
	(void)state;

	for (int extra = 0; extra < 2; extra++) {
		snprintf(text, sizeof text, "0\r\nA: %0*d\r\n\r\n", HTTP1_TRAILER_BYTES_MAX - 7 + extra, 0);
		assert_int_equal(decode(&c, slice_str(text), 99, &d, NULL), extra ? ERR_LIMIT : ERR_OK);
	}
}

static void fields_that_frame_or_authenticate_can_not_trail(void **state)
{
	static const char *const names[] = {"Content-Length", "Transfer-Encoding", "Host",    "authorization",
	                                    "Content-Type",   "Connection",        "Trailer", "Range"};
	static struct decoded d;
	struct http1_fields trailers = {.count = 77};
	struct http1_chunked c;
	struct why why;
	char text[128];
	(void)state;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(text, sizeof text, "0\r\n%s: 1\r\n\r\n", names[i]);
		assert_int_equal(decode(&c, slice_str(text), 99, &d, NULL), ERR_OK);
		assert_int_equal(http1_chunked_trailers(&c, &trailers, &why), ERR_INVALID);
		assert_non_null(strstr(why.text, names[i]));
	}
	assert_int_equal(trailers.count, 77);
}

static void malformed_trailers_are_refused(void **state)
{
	static const char *const bad[] = {"0\r\nA\r\n\r\n", "0\r\n A: b\r\n\r\n", "0\r\nA : b\r\n\r\n",
	                                  "0\r\nA: b\rc\r\n\r\n"};
	static struct decoded d;
	struct http1_fields trailers;
	struct http1_chunked c;
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(decode(&c, slice_str(bad[i]), 99, &d, NULL), ERR_OK);
		assert_int_equal(http1_chunked_trailers(&c, &trailers, NULL), ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_comes_out_whole_however_it_arrives),
		cmocka_unit_test(body_bytes_are_handed_out_where_they_lie),
		cmocka_unit_test(an_empty_body_is_a_last_chunk),
		cmocka_unit_test(sizes_are_hexadecimal_in_either_case),
		cmocka_unit_test(every_cut_leaves_the_body_unfinished),
		cmocka_unit_test(every_lenient_spelling_is_refused),
		cmocka_unit_test(nul_is_refused_wherever_a_line_is),
		cmocka_unit_test(after_a_refusal_nothing_is_accepted),
		cmocka_unit_test(after_the_end_the_input_stays_where_it_is),
		cmocka_unit_test(a_size_has_at_most_sixteen_digits),
		cmocka_unit_test(one_extension_has_a_bound),
		cmocka_unit_test(all_extensions_together_have_a_bound),
		cmocka_unit_test(trailers_have_a_bound),
		cmocka_unit_test(fields_that_frame_or_authenticate_can_not_trail),
		cmocka_unit_test(malformed_trailers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
