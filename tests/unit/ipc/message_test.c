#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/message.h"

static int decode(const void *bytes, size_t len, struct ipc_header *h, struct slice *body, struct why *why)
{
	return ipc_header_decode(slice_of(bytes, len), h, body, why);
}

static void a_request_is_taken_apart(void **state)
{
	/* docs/protocol/ipc.md 1, example 1 */
	static const uint8_t bytes[] = {0x10, 0x01, 0, 0, 0, 0, 0, 7, 0, 0, 0, 3, 'a', 'b', 'c'};
	struct ipc_header h;
	struct slice body;
	(void)state;

	assert_int_equal(decode(bytes, sizeof bytes, &h, &body, NULL), ERR_OK);
	assert_int_equal(h.type, 0x1001);
	assert_int_equal(h.flags, 0);
	assert_int_equal(h.id, 7);
	assert_true(slice_is_str(body, "abc"));
}

static void what_is_encoded_is_decoded(void **state)
{
	static const struct ipc_header headers[] = {
		{.type = 1, .id = 0},
		{.type = 0xffff, .flags = IPC_FLAG_REPLY, .id = UINT32_MAX},
		{.type = 2, .flags = IPC_FLAG_REPLY | IPC_FLAG_ERROR, .id = 1},
		{.type = 3, .flags = IPC_FLAG_MEMFD_BODY, .body_len = IPC_BODY_BYTES_MAX},
	};
	(void)state;

	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		uint8_t bytes[IPC_HEADER_BYTES];
		struct ipc_header h;
		struct slice body;

		ipc_header_encode(&headers[i], bytes);
		assert_int_equal(decode(bytes, sizeof bytes, &h, &body, NULL), ERR_OK);
		assert_memory_equal(&h, &headers[i], sizeof h);
		assert_int_equal(body.len, 0);
	}
}

static void every_cut_and_every_extra_byte_is_refused(void **state)
{
	static const uint8_t bytes[] = {0x10, 0x01, 0, 0, 0, 0, 0, 7, 0, 0, 0, 3, 'a', 'b', 'c', 'd'};
	struct ipc_header h = {.type = 99};
	struct slice body = {0};
	(void)state;

	for (size_t len = 0; len <= sizeof bytes; len++)
		if (len != sizeof bytes - 1)
			assert_int_equal(decode(bytes, len, &h, &body, NULL), ERR_INVALID);
	assert_int_equal(h.type, 99);
	assert_null(body.ptr);
}

static void assert_header(const struct ipc_header *header, int expected)
{
	uint8_t bytes[IPC_HEADER_BYTES];
	struct ipc_header h;
	struct slice body;

	ipc_header_encode(header, bytes);
	assert_int_equal(decode(bytes, sizeof bytes, &h, &body, NULL), expected);
}

static void flags_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	assert_header(&(struct ipc_header){.type = 0}, ERR_INVALID);
	assert_header(&(struct ipc_header){.type = 1, .flags = 8}, ERR_INVALID);
	assert_header(&(struct ipc_header){.type = 1, .flags = 0x8000}, ERR_INVALID);
	assert_header(&(struct ipc_header){.type = 1, .flags = IPC_FLAG_ERROR, .id = 1}, ERR_INVALID);
	assert_header(&(struct ipc_header){.type = 1, .flags = IPC_FLAG_REPLY}, ERR_INVALID);
}

static void a_memfd_body_has_one_spelling_and_a_limit(void **state)
{
	struct ipc_header h = {.type = 1, .flags = IPC_FLAG_MEMFD_BODY};
	(void)state;

	h.body_len = IPC_INLINE_BYTES_MAX;
	assert_header(&h, ERR_INVALID);
	h.body_len = IPC_INLINE_BYTES_MAX + 1;
	assert_header(&h, ERR_OK);
	h.body_len = IPC_BODY_BYTES_MAX;
	assert_header(&h, ERR_OK);
	h.body_len = IPC_BODY_BYTES_MAX + 1;
	assert_header(&h, ERR_LIMIT);
	h.body_len = UINT32_MAX;
	assert_header(&h, ERR_LIMIT);
}

static void bytes_beside_a_memfd_body_are_refused(void **state)
{
	uint8_t bytes[IPC_HEADER_BYTES + 1] = {0};
	struct ipc_header h;
	struct slice body;
	(void)state;

	ipc_header_encode(&(struct ipc_header){.type = 1, .flags = IPC_FLAG_MEMFD_BODY, .body_len = 100000}, bytes);
	assert_int_equal(decode(bytes, sizeof bytes, &h, &body, NULL), ERR_INVALID);
}

static void an_inline_body_may_fill_its_limit_and_no_more(void **state)
{
	static uint8_t bytes[IPC_HEADER_BYTES + IPC_INLINE_BYTES_MAX + 1];
	struct ipc_header h;
	struct slice body;
	struct why why;
	(void)state;

	ipc_header_encode(&(struct ipc_header){.type = 1, .body_len = IPC_INLINE_BYTES_MAX}, bytes);
	assert_int_equal(decode(bytes, sizeof bytes - 1, &h, &body, NULL), ERR_OK);
	assert_int_equal(body.len, IPC_INLINE_BYTES_MAX);
	ipc_header_encode(&(struct ipc_header){.type = 1, .body_len = IPC_INLINE_BYTES_MAX + 1}, bytes);
	assert_int_equal(decode(bytes, sizeof bytes, &h, &body, &why), ERR_LIMIT);
	assert_non_null(strstr(why.text, "65537"));
}

static void an_error_travels_with_its_sentence(void **state)
{
	static const int codes[] = {ERR_INVALID,  ERR_DENIED,      ERR_NOTFOUND, ERR_CONFLICT, ERR_LIMIT,
	                            ERR_TAMPERED, ERR_UNAVAILABLE, ERR_TIMEOUT,  ERR_CLOSED,   ERR_INTERNAL};
	(void)state;

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		CLEANUP(buf_freep) struct buf *b = NULL;
		struct why sentence;
		int code;

		assert_int_equal(buf_new(1024, &b, NULL), ERR_OK);
		assert_int_equal(ipc_error_put(b, codes[i], "no such key", NULL), ERR_OK);
		assert_int_equal(ipc_error_take(buf_slice(b), &code, &sentence, NULL), ERR_OK);
		assert_int_equal(code, codes[i]);
		assert_string_equal(sentence.text, "no such key");
	}
}

static void an_error_sentence_is_cut_at_its_limit(void **state)
{
	CLEANUP(buf_freep) struct buf *b = NULL;
	char longer[IPC_ERROR_TEXT_BYTES_MAX + 100];
	struct why sentence;
	int code;
	(void)state;

	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	assert_int_equal(buf_new(4096, &b, NULL), ERR_OK);
	assert_int_equal(ipc_error_put(b, ERR_DENIED, longer, NULL), ERR_OK);
	assert_int_equal(ipc_error_take(buf_slice(b), &code, &sentence, NULL), ERR_OK);
	assert_int_equal(strlen(sentence.text), IPC_ERROR_TEXT_BYTES_MAX);
}

static void an_error_body_of_any_other_shape_is_refused(void **state)
{
	static const uint8_t good[] = {0, 0, 2, 0, 0, 0, 0, 1, 'x'};
	uint8_t bad[sizeof good + 1];
	struct why sentence;
	int code = 1;
	(void)state;

	assert_int_equal(ipc_error_take(slice_of(good, sizeof good), &code, &sentence, NULL), ERR_OK);
	assert_int_equal(code, ERR_DENIED);
	code = 1;
	for (size_t len = 0; len < sizeof good; len++)
		assert_int_equal(ipc_error_take(slice_of(good, len), &code, &sentence, NULL), ERR_INVALID);
	memcpy(bad, good, sizeof good);
	bad[sizeof good] = 'y';
	assert_int_equal(ipc_error_take(slice_of(bad, sizeof bad), &code, &sentence, NULL), ERR_INVALID);
	bad[sizeof good - 1] = 0; /* a NUL in the sentence */
	assert_int_equal(ipc_error_take(slice_of(bad, sizeof good), &code, &sentence, NULL), ERR_INVALID);
	memcpy(bad, "\0\0\0\0", 4); /* "error: success" */
	assert_int_equal(ipc_error_take(slice_of(bad, sizeof good), &code, &sentence, NULL), ERR_INVALID);
	memcpy(bad, "\0\0\x09\0", 4); /* a class that does not exist */
	bad[8] = 'x';
	assert_int_equal(ipc_error_take(slice_of(bad, sizeof good), &code, &sentence, NULL), ERR_INVALID);
	memcpy(bad, "\xff\xff\xff\xff", 4);
	assert_int_equal(ipc_error_take(slice_of(bad, sizeof good), &code, &sentence, NULL), ERR_INVALID);
	memcpy(bad, good, sizeof good);
	memcpy(bad + 4, "\0\0\2\0", 4); /* 512 bytes of sentence */
	assert_int_equal(ipc_error_take(slice_of(bad, sizeof good), &code, &sentence, NULL), ERR_LIMIT);
	assert_int_equal(code, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_taken_apart),
		cmocka_unit_test(what_is_encoded_is_decoded),
		cmocka_unit_test(every_cut_and_every_extra_byte_is_refused),
		cmocka_unit_test(flags_that_make_no_sense_are_refused),
		cmocka_unit_test(a_memfd_body_has_one_spelling_and_a_limit),
		cmocka_unit_test(bytes_beside_a_memfd_body_are_refused),
		cmocka_unit_test(an_inline_body_may_fill_its_limit_and_no_more),
		cmocka_unit_test(an_error_travels_with_its_sentence),
		cmocka_unit_test(an_error_sentence_is_cut_at_its_limit),
		cmocka_unit_test(an_error_body_of_any_other_shape_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
