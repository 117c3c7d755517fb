#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "daemon/link/front_keys.h"
#include "daemon/link/keys_ledger.h"

static struct buf *new_buf(void)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(1 << 20, &b, NULL), ERR_OK);
	return b;
}

static struct s3_call example_call(void)
{
	struct s3_call call = {
		.head = {.method = slice_str("GET"),
	                 .target = slice_str("/bkt/key?versionId=1"),
	                 .is_tls = true,
	                 .peer = slice_str("127.0.0.1:1"),
	                 .request_id = "0123456789ABCDEF",
	                 .field_count = 2,
	                 .fields = {{slice_str("Host"), slice_str("h")}, {slice_str("X-Amz-Date"), slice_str("d")}}},
		.body = slice_str("<Delete/>"),
		.has_existing = true,
		.existing = {.version_id = {1, 2}, .wrap = slice_str("wrap")},
		.bucket_is_empty = true,
	};

	return call;
}

static void an_s3_call_comes_back_as_it_was(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf();
	struct s3_call call = example_call(), back;
	struct slice value;
	(void)state;

	assert_int_equal(s3_call_put(&call, b, NULL), ERR_OK);
	assert_int_equal(s3_call_take(buf_slice(b), &back, NULL), ERR_OK);
	assert_true(slice_equal(back.head.target, call.head.target));
	assert_true(back.head.is_tls);
	assert_string_equal(back.head.request_id, "0123456789ABCDEF");
	assert_true(call_head_field(&back.head, "x-amz-date", &value));
	assert_true(slice_is_str(value, "d"));
	assert_false(call_head_field(&back.head, "x-amz", &value));
	assert_true(back.has_existing);
	assert_memory_equal(back.existing.version_id, call.existing.version_id, S3_CALL_ID_BYTES);
	assert_true(slice_is_str(back.existing.wrap, "wrap"));
	assert_true(slice_is_str(back.body, "<Delete/>"));
	assert_true(back.bucket_is_empty);
}

static void every_cut_and_every_extra_byte_is_refused(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf();
	struct s3_call call = example_call(), back;
	(void)state;

	assert_int_equal(s3_call_put(&call, b, NULL), ERR_OK);
	for (size_t len = 0; len < buf_len(b); len++)
		assert_int_not_equal(s3_call_take(slice_of(buf_slice(b).ptr, len), &back, NULL), ERR_OK);
	assert_int_equal(buf_put_u8(b, 0, NULL), ERR_OK);
	assert_int_equal(s3_call_take(buf_slice(b), &back, NULL), ERR_INVALID);
}

static void a_request_id_is_letters_and_digits(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf();
	struct s3_call call = example_call(), back;
	(void)state;

	memcpy(call.head.request_id, "\"},{\"x\":\"yyyyyyyy", 16);
	assert_int_equal(s3_call_put(&call, b, NULL), ERR_OK);
	assert_int_equal(s3_call_take(buf_slice(b), &back, NULL), ERR_INVALID);
}

static void too_many_fields_are_refused_on_both_sides(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf();
	struct s3_call call = example_call(), back;
	uint8_t *at;
	(void)state;

	call.head.field_count = CALL_FIELDS_MAX + 1;
	assert_int_equal(s3_call_put(&call, b, NULL), ERR_LIMIT);
	buf_reset(b);
	call.head.field_count = 0;
	assert_int_equal(s3_call_put(&call, b, NULL), ERR_OK);
	/* the count stands after method, target, flag, peer and request id */
	at = (uint8_t *)(uintptr_t)buf_slice(b).ptr + 4 + 3 + 4 + 20 + 1 + 4 + 11 + 16;
	assert_int_equal(at[0] << 8 | at[1], 0);
	at[1] = CALL_FIELDS_MAX + 1;
	assert_int_equal(s3_call_take(buf_slice(b), &back, NULL), ERR_LIMIT);
}

static void decisions_of_each_kind_come_back(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf();
	struct s3_delete deletes[] = {
		{.is_allowed = true, .has_version = true, .version_id = {9}, .key = slice_str("a")},
		{.key = slice_str("b"), .code = slice_str("AccessDenied"), .message = slice_str("no")},
	};
	uint8_t key[32] = {7};
	struct s3_decision d = {.verdict = S3_VERDICT_GO_ON,
	                        .account = slice_str("123456789012"),
	                        .bucket_id = {3},
	                        .is_versioned = true,
	                        .bucket_owner = slice_str("123456789012"),
	                        .body_kind = S3_BODY_CHUNKS,
	                        .chunk_handle = 77,
	                        .has_version = true,
	                        .version_id = {4},
	                        .version_key = slice_of(key, 32),
	                        .wrap = slice_str("w"),
	                        .kms_key = slice_str("arn"),
	                        .ticket = 99,
	                        .delete_count = 2,
	                        .deletes = deletes},
			   back;
	(void)state;

	assert_int_equal(s3_decision_put(&d, b, NULL), ERR_OK);
	assert_int_equal(s3_decision_take(buf_slice(b), &back, NULL), ERR_OK);
	assert_int_equal(back.verdict, S3_VERDICT_GO_ON);
	assert_int_equal(back.chunk_handle, 77);
	assert_int_equal(back.ticket, 99);
	assert_memory_equal(back.version_key.ptr, key, 32);
	assert_int_equal(back.delete_count, 2);
	assert_true(back.deletes[0].is_allowed && !back.deletes[1].is_allowed);
	assert_true(slice_is_str(back.deletes[1].code, "AccessDenied"));
	s3_decision_clear(&back);
	for (size_t len = 0; len < buf_len(b); len++)
		assert_int_not_equal(s3_decision_take(slice_of(buf_slice(b).ptr, len), &back, NULL), ERR_OK);

	buf_reset(b);
	d = (struct s3_decision){.status = 403, .code = slice_str("AccessDenied"), .message = slice_str("m")};
	assert_int_equal(s3_decision_put(&d, b, NULL), ERR_OK);
	assert_int_equal(s3_decision_take(buf_slice(b), &back, NULL), ERR_OK);
	assert_int_equal(back.verdict, S3_VERDICT_REFUSED);
	assert_int_equal(back.status, 403);

	buf_reset(b);
	d = (struct s3_decision){.verdict = S3_VERDICT_ANSWERED, .answer = {.status = 200, .body = slice_str("<x/>")}};
	assert_int_equal(s3_decision_put(&d, b, NULL), ERR_OK);
	assert_int_equal(s3_decision_take(buf_slice(b), &back, NULL), ERR_OK);
	assert_true(slice_is_str(back.answer.body, "<x/>"));
}

/* A refusal with status 200, or a verdict that does not exist, would make front serve what keys refused. */
static void a_decision_is_never_misread_as_consent(void **state)
{
	static const uint8_t refused_with_200[] = {0, 0, 200, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t unknown[] = {3, 0, 0};
	struct s3_decision d;
	(void)state;

	assert_int_equal(s3_decision_take(slice_of(refused_with_200, sizeof refused_with_200), &d, NULL), ERR_INVALID);
	assert_int_equal(s3_decision_take(slice_of(unknown, sizeof unknown), &d, NULL), ERR_INVALID);
	assert_int_equal(s3_decision_take(slice_of(NULL, 0), &d, NULL), ERR_INVALID);
}

static void chunks_come_back(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf();
	static struct s3_chunks chunks = {.handle = 5, .count = 2, .is_last = true, .has_trailer = true}, back;
	(void)state;

	chunks.chunks[0].sha256[0] = 1;
	chunks.chunks[0].signature = slice_str("aa");
	chunks.chunks[1].signature = slice_str("bb");
	chunks.trailer = slice_str("x-amz-checksum-crc32:AAAA\n");
	chunks.trailer_signature = slice_str("cc");
	assert_int_equal(s3_chunks_put(&chunks, b, NULL), ERR_OK);
	assert_int_equal(s3_chunks_take(buf_slice(b), &back, NULL), ERR_OK);
	assert_int_equal(back.count, 2);
	assert_true(back.is_last && back.has_trailer);
	assert_true(slice_is_str(back.trailer_signature, "cc"));
	chunks.count = S3_CHUNKS_PER_CALL_MAX + 1;
	assert_int_equal(s3_chunks_put(&chunks, b, NULL), ERR_LIMIT);
}

static void ledger_messages_come_back(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf();
	static struct ledger_append append = {.count = 1}, append_back;
	struct ledger_appended appended = {5, 6}, appended_back;
	struct ledger_account_key key = {slice_str("123456789012"), 480000,
	                                 slice_str("0123456789abcdef0123456789abcdef")},
				  key_back;
	struct ledger_view view = {slice_str("operator"), 1, 2, slice_str("PutObject"), 3, 4}, view_back;
	(void)state;

	append.entries[0] = (struct ledger_entry){slice_str("operator"), slice_str("{}")};
	assert_int_equal(ledger_append_put(&append, b, NULL), ERR_OK);
	assert_int_equal(ledger_append_take(buf_slice(b), &append_back, NULL), ERR_OK);
	assert_true(slice_is_str(append_back.entries[0].record, "{}"));
	buf_reset(b);
	append.count = 0;
	assert_int_equal(ledger_append_put(&append, b, NULL), ERR_OK);
	assert_int_equal(ledger_append_take(buf_slice(b), &append_back, NULL), ERR_LIMIT);
	append.count = LEDGER_ENTRIES_PER_CALL_MAX + 1;
	assert_int_equal(ledger_append_put(&append, b, NULL), ERR_LIMIT);

	buf_reset(b);
	assert_int_equal(ledger_appended_put(&appended, b, NULL), ERR_OK);
	assert_int_equal(ledger_appended_take(buf_slice(b), &appended_back, NULL), ERR_OK);
	assert_int_equal(appended_back.tree_size, 6);

	buf_reset(b);
	assert_int_equal(ledger_account_key_put(&key, b, NULL), ERR_OK);
	assert_int_equal(ledger_account_key_take(buf_slice(b), &key_back, NULL), ERR_OK);
	assert_int_equal(key_back.hour, 480000);

	buf_reset(b);
	assert_int_equal(ledger_view_put(&view, b, NULL), ERR_OK);
	assert_int_equal(ledger_view_take(buf_slice(b), &view_back, NULL), ERR_OK);
	assert_int_equal(view_back.after_seq, 3);
	assert_int_equal(view_back.limit, 4);
	for (size_t over = 0; over < 2; over++) { /* names of the longest length, and of one more */
		char name[LEDGER_EVENT_NAME_BYTES_MAX + 2] = {0};

		memset(name, 'n', LEDGER_EVENT_NAME_BYTES_MAX + over);
		view.event_name = slice_str(name);
		buf_reset(b);
		assert_int_equal(ledger_view_put(&view, b, NULL), ERR_OK);
		assert_int_equal(ledger_view_take(buf_slice(b), &view_back, NULL), over ? ERR_LIMIT : ERR_OK);
		memset(name, 0, sizeof name);
		memset(name, '1', LEDGER_ACCOUNT_BYTES_MAX + over);
		key.account = slice_str(name);
		buf_reset(b);
		assert_int_equal(ledger_account_key_put(&key, b, NULL), ERR_OK);
		assert_int_equal(ledger_account_key_take(buf_slice(b), &key_back, NULL), over ? ERR_LIMIT : ERR_OK);
	}
	view.event_name = slice_str("PutObject");
	buf_reset(b);
	view.limit = LEDGER_VIEW_RECORDS_MAX + 1;
	assert_int_equal(ledger_view_put(&view, b, NULL), ERR_OK);
	assert_int_equal(ledger_view_take(buf_slice(b), &view_back, NULL), ERR_LIMIT);
}

static void views_and_receipts_come_back(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf();
	static struct ledger_viewed viewed = {.has_more = true, .last_seq = 77, .count = 1}, viewed_back;
	struct ledger_receipt receipt = {slice_str("123456789012"), 7}, receipt_back;
	static struct ledger_hours hours = {.count = 2, .hours = {490000, UINT64_MAX}}, hours_back;
	struct ledger_state last = {8, {9}}, last_back;
	(void)state;

	viewed.records[0] = (struct ledger_viewed_record){1, 2, slice_str("{\"a\":1}")};
	assert_int_equal(ledger_viewed_put(&viewed, b, NULL), ERR_OK);
	assert_int_equal(ledger_viewed_take(buf_slice(b), &viewed_back, NULL), ERR_OK);
	assert_true(viewed_back.has_more);
	assert_int_equal(viewed_back.records[0].index, 2);
	assert_int_equal(viewed_back.last_seq, 77);
	buf_reset(b);
	assert_int_equal(ledger_hours_put(&hours, b, NULL), ERR_OK);
	assert_int_equal(ledger_hours_take(buf_slice(b), &hours_back, NULL), ERR_OK);
	assert_int_equal(hours_back.count, 2);
	assert_true(hours_back.hours[1] == UINT64_MAX);
	buf_reset(b);
	hours.count = LEDGER_HOURS_MAX;
	assert_int_equal(ledger_hours_put(&hours, b, NULL), ERR_OK);
	assert_int_equal(ledger_hours_take(buf_slice(b), &hours_back, NULL), ERR_OK);
	assert_int_equal(ledger_hours_take(slice_of("\x03\xe9", 2), &hours_back, NULL), ERR_LIMIT); /* one more */
	buf_reset(b);
	assert_int_equal(ledger_receipt_put(&receipt, b, NULL), ERR_OK);
	assert_int_equal(ledger_receipt_take(buf_slice(b), &receipt_back, NULL), ERR_OK);
	assert_int_equal(receipt_back.index, 7);
	buf_reset(b);
	assert_int_equal(ledger_state_put(&last, b, NULL), ERR_OK);
	assert_int_equal(ledger_state_take(buf_slice(b), &last_back, NULL), ERR_OK);
	assert_int_equal(last_back.generation, 8);
	assert_int_equal(last_back.hash[0], 9);
}

/* --- limits: what is as long as its limit passes, one byte more is refused by the reader
 * ------------------------------ */

static uint8_t many[CALL_BODY_BYTES_MAX + 1];

/* Writes with `put` and reads with `take` while *field is `max` bytes long, then one more. */
#define ASSERT_FIELD_LIMIT(field, max, put, take)                                      \
	do {                                                                           \
		CLEANUP(buf_freep) struct buf *b_ = NULL;                              \
		assert_int_equal(buf_new(2 * CALL_BODY_BYTES_MAX, &b_, NULL), ERR_OK); \
		for (size_t extra_ = 0; extra_ < 2; extra_++) {                        \
			struct slice saved_ = *(field);                                \
			buf_reset(b_);                                                 \
			*(field) = slice_of(many, (max) + extra_);                     \
			assert_int_equal(put, ERR_OK);                                 \
			assert_int_equal(take, extra_ ? ERR_LIMIT : ERR_OK);           \
			*(field) = saved_;                                             \
		}                                                                      \
	} while (0)

static void the_parts_of_a_call_have_their_limits(void **state)
{
	static struct s3_call call, back;
	(void)state;

	call = example_call();
#define PUT s3_call_put(&call, b_, NULL)
#define TAKE s3_call_take(buf_slice(b_), &back, NULL)
	ASSERT_FIELD_LIMIT(&call.head.method, CALL_HEAD_BYTES_MAX, PUT, TAKE);
	ASSERT_FIELD_LIMIT(&call.head.target, CALL_HEAD_BYTES_MAX, PUT, TAKE);
	ASSERT_FIELD_LIMIT(&call.head.peer, CALL_PEER_BYTES_MAX, PUT, TAKE);
	ASSERT_FIELD_LIMIT(&call.head.fields[1].name, CALL_HEAD_BYTES_MAX, PUT, TAKE);
	ASSERT_FIELD_LIMIT(&call.head.fields[1].value, CALL_HEAD_BYTES_MAX, PUT, TAKE);
	ASSERT_FIELD_LIMIT(&call.body, CALL_BODY_BYTES_MAX, PUT, TAKE);
	ASSERT_FIELD_LIMIT(&call.existing.wrap, STORE_WRAP_BYTES_MAX, PUT, TAKE);
#undef PUT
#undef TAKE
}

static void the_parts_of_a_decision_have_their_limits(void **state)
{
	static struct s3_decision d, back;
	struct s3_delete deletion = {.key = slice_str("k")};
	(void)state;

#define PUT s3_decision_put(&d, b_, NULL)
#define TAKE (s3_decision_clear(&back), s3_decision_take(buf_slice(b_), &back, NULL))
	d = (struct s3_decision){.verdict = S3_VERDICT_REFUSED, .status = 403};
	ASSERT_FIELD_LIMIT(&d.code, CALL_TEXT_BYTES_MAX, PUT, TAKE);
	ASSERT_FIELD_LIMIT(&d.message, CALL_TEXT_BYTES_MAX, PUT, TAKE);
	d = (struct s3_decision){.verdict = S3_VERDICT_ANSWERED, .answer = {.status = 200, .field_count = 1}};
	ASSERT_FIELD_LIMIT(&d.answer.body, CALL_BODY_BYTES_MAX, PUT, TAKE);
	ASSERT_FIELD_LIMIT(&d.answer.fields[0].value, CALL_HEAD_BYTES_MAX, PUT, TAKE);
	d = (struct s3_decision){
		.verdict = S3_VERDICT_GO_ON, .has_version = true, .delete_count = 1, .deletes = &deletion};
	ASSERT_FIELD_LIMIT(&d.wrap, STORE_WRAP_BYTES_MAX, PUT, TAKE);
	ASSERT_FIELD_LIMIT(&d.kms_key, CALL_TEXT_BYTES_MAX, PUT, TAKE);
	ASSERT_FIELD_LIMIT(&deletion.key, STORE_KEY_BYTES_MAX, PUT, TAKE);
	ASSERT_FIELD_LIMIT(&deletion.message, CALL_TEXT_BYTES_MAX, PUT, TAKE);
	s3_decision_clear(&back);
#undef PUT
#undef TAKE
}

/* The two bytes of a count, found where they first stand, made one more. */
static void count_one_more(struct buf *b, size_t at, uint16_t count)
{
	uint8_t *bytes = (uint8_t *)(uintptr_t)buf_slice(b).ptr + at;

	assert_int_equal(bytes[0] << 8 | bytes[1], count);
	bytes[0] = (uint8_t)((count + 1) >> 8);
	bytes[1] = (uint8_t)(count + 1);
}

static void an_answer_has_so_many_fields_and_no_more(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf();
	static struct call_answer answer = {.status = 200, .field_count = CALL_ANSWER_FIELDS_MAX}, back;
	struct cursor c;
	(void)state;

	assert_int_equal(call_answer_put(&answer, b, NULL), ERR_OK);
	c = cursor_of(buf_slice(b));
	assert_int_equal(call_answer_take(&c, &back, NULL), ERR_OK);
	assert_int_equal(back.field_count, CALL_ANSWER_FIELDS_MAX);
	count_one_more(b, 2, CALL_ANSWER_FIELDS_MAX);
	c = cursor_of(buf_slice(b));
	assert_int_equal(call_answer_take(&c, &back, NULL), ERR_LIMIT);
	answer.field_count++;
	assert_int_equal(call_answer_put(&answer, b, NULL), ERR_LIMIT);
}

static void a_decision_has_so_many_deletions_and_no_more(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf();
	static struct s3_delete deletes[S3_DELETES_MAX + 1];
	static struct s3_decision d = {.verdict = S3_VERDICT_GO_ON, .delete_count = S3_DELETES_MAX, .deletes = deletes},
				  back;
	const size_t each = 1 + 1 + S3_CALL_ID_BYTES + 3 * 4; /* of an empty deletion */
	(void)state;

	assert_int_equal(s3_decision_put(&d, b, NULL), ERR_OK);
	assert_int_equal(s3_decision_take(buf_slice(b), &back, NULL), ERR_OK);
	assert_int_equal(back.delete_count, S3_DELETES_MAX);
	s3_decision_clear(&back);
	count_one_more(b, buf_len(b) - S3_DELETES_MAX * each - 2, S3_DELETES_MAX);
	assert_int_equal(s3_decision_take(buf_slice(b), &back, NULL), ERR_LIMIT);
	d.delete_count++;
	assert_int_equal(s3_decision_put(&d, b, NULL), ERR_LIMIT);
}

static void the_parts_of_ledger_messages_have_their_limits(void **state)
{
	static struct ledger_append append = {.count = 1}, append_back;
	static struct ledger_viewed viewed = {.count = 1}, viewed_back;
	struct ledger_view view = {.limit = LEDGER_VIEW_RECORDS_MAX}, view_back;
	struct ledger_receipt receipt = {.index = 1}, receipt_back;
	(void)state;

	ASSERT_FIELD_LIMIT(&append.entries[0].account, LEDGER_ACCOUNT_BYTES_MAX, ledger_append_put(&append, b_, NULL),
	                   ledger_append_take(buf_slice(b_), &append_back, NULL));
	ASSERT_FIELD_LIMIT(&append.entries[0].record, LEDGER_RECORD_BYTES_MAX, ledger_append_put(&append, b_, NULL),
	                   ledger_append_take(buf_slice(b_), &append_back, NULL));
	ASSERT_FIELD_LIMIT(&view.account, LEDGER_ACCOUNT_BYTES_MAX, ledger_view_put(&view, b_, NULL),
	                   ledger_view_take(buf_slice(b_), &view_back, NULL));
	ASSERT_FIELD_LIMIT(&view.event_name, LEDGER_EVENT_NAME_BYTES_MAX, ledger_view_put(&view, b_, NULL),
	                   ledger_view_take(buf_slice(b_), &view_back, NULL));
	ASSERT_FIELD_LIMIT(&receipt.account, LEDGER_ACCOUNT_BYTES_MAX, ledger_receipt_put(&receipt, b_, NULL),
	                   ledger_receipt_take(buf_slice(b_), &receipt_back, NULL));
	ASSERT_FIELD_LIMIT(&viewed.records[0].record, LEDGER_RECORD_BYTES_MAX, ledger_viewed_put(&viewed, b_, NULL),
	                   ledger_viewed_take(buf_slice(b_), &viewed_back, NULL));
}

static void a_page_of_a_view_has_so_many_records_and_no_more(void **state)
{
	CLEANUP(buf_freep) struct buf *b = new_buf();
	static struct ledger_viewed viewed = {.count = LEDGER_VIEW_RECORDS_MAX}, back;
	(void)state;

	assert_int_equal(ledger_viewed_put(&viewed, b, NULL), ERR_OK);
	assert_int_equal(ledger_viewed_take(buf_slice(b), &back, NULL), ERR_OK);
	assert_int_equal(back.count, LEDGER_VIEW_RECORDS_MAX);
	count_one_more(b, 9, LEDGER_VIEW_RECORDS_MAX); /* behind a flag and the last number */
	assert_int_equal(ledger_viewed_take(buf_slice(b), &back, NULL), ERR_LIMIT);
	viewed.count++;
	assert_int_equal(ledger_viewed_put(&viewed, b, NULL), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_s3_call_comes_back_as_it_was),
		cmocka_unit_test(every_cut_and_every_extra_byte_is_refused),
		cmocka_unit_test(a_request_id_is_letters_and_digits),
		cmocka_unit_test(too_many_fields_are_refused_on_both_sides),
		cmocka_unit_test(decisions_of_each_kind_come_back),
		cmocka_unit_test(a_decision_is_never_misread_as_consent),
		cmocka_unit_test(chunks_come_back),
		cmocka_unit_test(ledger_messages_come_back),
		cmocka_unit_test(views_and_receipts_come_back),
		cmocka_unit_test(the_parts_of_a_call_have_their_limits),
		cmocka_unit_test(the_parts_of_a_decision_have_their_limits),
		cmocka_unit_test(an_answer_has_so_many_fields_and_no_more),
		cmocka_unit_test(a_decision_has_so_many_deletions_and_no_more),
		cmocka_unit_test(the_parts_of_ledger_messages_have_their_limits),
		cmocka_unit_test(a_page_of_a_view_has_so_many_records_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
