#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/checkpoint.h"
#include "audit/proof.h"
#include "audit/receipt.h"

#define HEAD "c2sp.org/tlog-proof@v1\n"
#define HASH "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

static int parse(const char *text, struct tlog_proof *proof)
{
	return tlog_proof_parse(slice_str(text), proof, NULL);
}

static void proofs_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{HEAD "index 0\n\ncheckpoint", ERR_OK},
		{HEAD "index 5\n" HASH HASH "\ncheckpoint", ERR_OK},
		{HEAD "extra AAAA\nindex 5\n" HASH "\nx", ERR_OK},
		{HEAD "extra \nindex 5\n" HASH "\nx", ERR_INVALID},
		{"", ERR_INVALID},
		{"c2sp.org/tlog-proof@v2\nindex 0\n\nx", ERR_INVALID},
		{HEAD, ERR_INVALID},
		{HEAD "index 0\n", ERR_INVALID},
		{HEAD "index 0\n\n", ERR_INVALID},
		{HEAD "index 00\n\nx", ERR_INVALID},
		{HEAD "index -1\n\nx", ERR_INVALID},
		{HEAD "index \n\nx", ERR_INVALID},
		{HEAD "index18\n\nx", ERR_INVALID},
		{HEAD "index 18446744073709551616\n\nx", ERR_LIMIT},
		{HEAD "extra A\nindex 0\n\nx", ERR_INVALID},
		{HEAD "extra AAAA\nextra AAAA\nindex 0\n\nx", ERR_INVALID},
		{HEAD "index 0\nextra AAAA\n\nx", ERR_INVALID},
		{HEAD "index 0\nAAAA\n\nx", ERR_INVALID},
		{HEAD "index 0\n" HASH "x", ERR_INVALID},
		{HEAD "index 0\r\n\nx", ERR_INVALID},
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tlog_proof proof = {.index = 99};

		if (parse(cases[i].text, &proof) != cases[i].code)
			fail_msg("%s", cases[i].text);
		if (cases[i].code != ERR_OK)
			assert_int_equal(proof.index, 99);
	}
}

static void a_proof_is_written_as_it_was_read(void **state)
{
	static const char text[] = HEAD "extra AAAA\nindex 73894\n" HASH HASH HASH "\nexample.com/log\nrest";
	CLEANUP(buf_freep) struct buf *written = support_buf();
	struct tlog_proof proof;
	(void)state;

	assert_ok(parse(text, &proof));
	assert_int_equal(proof.index, 73894);
	assert_int_equal(proof.path.count, 3);
	assert_true(slice_is_str(proof.extra_base64, "AAAA"));
	assert_true(slice_is_str(proof.checkpoint, "example.com/log\nrest"));
	assert_ok(tlog_proof_put(&proof, written, NULL));
	assert_true(slice_is_str(buf_slice(written), text));
}

static void the_limits_of_a_proof_hold(void **state)
{
	CLEANUP(buf_freep) struct buf *text = support_buf();
	CLEANUP(free_p) char *large = malloc(TLOG_PROOF_BYTES_MAX + 1);
	struct tlog_proof proof;
	(void)state;

	for (int count = MERKLE_PROOF_HASHES_MAX; count <= MERKLE_PROOF_HASHES_MAX + 1; count++) {
		buf_reset(text);
		assert_ok(buf_put_str(text, HEAD "index 0\n", NULL));
		for (int i = 0; i < count; i++)
			assert_ok(buf_put_str(text, HASH, NULL));
		assert_ok(buf_put_str(text, "\nx", NULL));
		assert_int_equal(tlog_proof_parse(buf_slice(text), &proof, NULL),
		                 count <= MERKLE_PROOF_HASHES_MAX ? ERR_OK : ERR_LIMIT);
	}
	memset(large, 'A', TLOG_PROOF_BYTES_MAX + 1);
	assert_int_equal(tlog_proof_parse(slice_of(large, TLOG_PROOF_BYTES_MAX + 1), &proof, NULL), ERR_LIMIT);
	memcpy(large, HEAD "extra ", sizeof HEAD "extra " - 1);
	large[sizeof HEAD "extra " - 1 + (TLOG_PROOF_EXTRA_BYTES_MAX / 3 + 1) * 4] = '\n';
	assert_int_equal(tlog_proof_parse(slice_of(large, TLOG_PROOF_BYTES_MAX), &proof, NULL), ERR_LIMIT);
}

/* Two leaves of somebody's log, with the proof of the second: the root of two is the hash of both. */
static void a_proof_of_the_tessera_log_verifies(void **state)
{
	CLEANUP(buf_freep) struct buf *tile = support_vector("tessera/log/tile/0/000.p/2");
	CLEANUP(buf_freep) struct buf *checkpoint = support_vector("tessera/log/checkpoint.2");
	CLEANUP(note_verifier_freep) struct note_verifier *log = support_vkey("tessera/log.vkey");
	struct tlog_proof proof = {.index = 1, .path.count = 1, .checkpoint = buf_slice(checkpoint)};
	struct trust trust = {.log = log};
	struct tlog_proof_result result;
	struct merkle_hash leaves[2];
	(void)state;

	memcpy(leaves, buf_slice(tile).ptr, sizeof leaves);
	proof.path.hashes[0] = leaves[0];
	assert_ok(tlog_proof_verify(&proof, &leaves[1], &trust, &result, NULL));
	assert_int_equal(result.head.size, 2);
	assert_int_equal(result.time_s, 0);
	assert_int_equal(tlog_proof_verify(&proof, &leaves[0], &trust, &result, NULL), ERR_TAMPERED);
	proof.index = 0;
	assert_int_equal(tlog_proof_verify(&proof, &leaves[1], &trust, &result, NULL), ERR_TAMPERED);
	proof.index = 2;
	assert_int_equal(tlog_proof_verify(&proof, &leaves[1], &trust, &result, NULL), ERR_INVALID);
}

/* --- receipts ----------------------------------------------------------------------------------------------------- */

#define RECORD "{\"accountPrev\":\"\",\"accountSeq\":1,\"eventName\":\"Decrypt \\\"x\\\"\"}"

/* A log of one leaf, and the receipt of its record. */
static struct buf *new_receipt(const struct note_signer *log, const char *record)
{
	CLEANUP(buf_freep)
	struct buf *leaf_text = support_buf(), *checkpoint = support_buf(), *proof_text = support_buf();
	struct leaf leaf = {.producer = slice_str("keys"), .seq = 1};
	struct receipt receipt = {.salt = {3, 1, 4}, .record = slice_str(record)};
	struct tlog_proof proof = {.index = 0};
	struct merkle_head head = {.size = 1};
	struct buf *out = support_buf();

	leaf_commit(receipt.salt, slice_str(RECORD), leaf.commit);
	assert_ok(leaf_put(&leaf, leaf_text, NULL));
	merkle_leaf_hash(buf_slice(leaf_text), &head.root);
	assert_ok(checkpoint_put(log, &head, checkpoint, NULL));
	proof.checkpoint = buf_slice(checkpoint);
	assert_ok(tlog_proof_put(&proof, proof_text, NULL));
	receipt.leaf = buf_slice(leaf_text);
	assert_ok(receipt_put(&receipt, buf_slice(proof_text), out, NULL));
	return out;
}

static void a_receipt_verifies_with_the_logs_key_alone(void **state)
{
	CLEANUP(note_signer_freep) struct note_signer *log = support_signer("log.example/a", NOTE_ED25519);
	CLEANUP(buf_freep) struct buf *text = new_receipt(log, RECORD);
	struct trust trust = {.log = note_signer_verifier(log)};
	struct receipt_result result;
	(void)state;

	assert_ok(receipt_verify(buf_slice(text), &trust, &result, NULL));
	assert_int_equal(result.index, 0);
	assert_int_equal(result.proof.head.size, 1);
	assert_true(slice_is_str(result.leaf.producer, "keys"));
	assert_true(slice_is_str(result.record, RECORD));
	support_keys_free();
}

static void any_altered_byte_of_a_receipt_is_found(void **state)
{
	CLEANUP(note_signer_freep) struct note_signer *log = support_signer("log.example/a", NOTE_ED25519);
	CLEANUP(buf_freep) struct buf *text = new_receipt(log, RECORD);
	struct trust trust = {.log = note_signer_verifier(log)};
	CLEANUP(free_p) uint8_t *bytes = malloc(buf_len(text));
	size_t len = buf_len(text);
	(void)state;

	memcpy(bytes, buf_slice(text).ptr, len);
	for (size_t i = 0; i < len; i++) {
		struct receipt_result result = {.index = 99};

		bytes[i] ^= 0x01;
		assert_int_not_equal(receipt_verify(slice_of(bytes, len), &trust, &result, NULL), ERR_OK);
		assert_int_equal(result.index, 99);
		bytes[i] ^= 0x01;
	}
	for (size_t cut = 0; cut < len; cut++) {
		struct receipt_result result;

		assert_int_equal(receipt_verify(slice_of(bytes, cut), &trust, &result, NULL), ERR_INVALID);
	}
	support_keys_free();
}

static void another_record_or_another_log_does_not_pass(void **state)
{
	CLEANUP(note_signer_freep) struct note_signer *log = support_signer("log.example/a", NOTE_ED25519);
	CLEANUP(note_signer_freep) struct note_signer *other = support_signer("log.example/a", NOTE_ED25519);
	CLEANUP(buf_freep) struct buf *swapped = new_receipt(log, "{\"accountSeq\":1}");
	CLEANUP(buf_freep) struct buf *good = new_receipt(log, RECORD);
	struct trust trust = {.log = note_signer_verifier(log)};
	struct receipt_result result;
	(void)state;

	assert_int_equal(receipt_verify(buf_slice(swapped), &trust, &result, NULL), ERR_TAMPERED);
	trust.log = note_signer_verifier(other);
	assert_int_equal(receipt_verify(buf_slice(good), &trust, &result, NULL), ERR_NOTFOUND);
	support_keys_free();
}

static void a_receipt_without_one_of_its_members_is_refused(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"{\"leaf\":{},\"proof\":\"\",\"record\":{},\"salt\":\"\",\"v\":2}",
		"{\"leaf\":{},\"proof\":\"\",\"record\":{},\"salt\":\"\",\"v\":1}",
		"{\"leaf\":1,\"proof\":\"\",\"record\":{},\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
		"\"v\":1}",
		"{\"leaf\":{},\"proof\":1,\"record\":{},\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
		"\"v\":1}",
		"{\"leaf\":{},\"proof\":\"\",\"record\":[],\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
		"\"v\":1}",
		"{\"leaf\":{},\"record\":{},\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"v\":1}",
	};
	CLEANUP(buf_freep) struct buf *proof = support_buf();
	CLEANUP(free_p) char *large = calloc(1, RECEIPT_BYTES_MAX + 1);
	struct receipt receipt;
	(void)state;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(receipt_parse(slice_str(wrong[i]), &receipt, proof, NULL), ERR_INVALID);
	assert_int_equal(receipt_parse(slice_of(large, RECEIPT_BYTES_MAX + 1), &receipt, proof, NULL), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proofs_are_read_strictly),
		cmocka_unit_test(a_proof_is_written_as_it_was_read),
		cmocka_unit_test(the_limits_of_a_proof_hold),
		cmocka_unit_test(a_proof_of_the_tessera_log_verifies),
		cmocka_unit_test(a_receipt_verifies_with_the_logs_key_alone),
		cmocka_unit_test(any_altered_byte_of_a_receipt_is_found),
		cmocka_unit_test(another_record_or_another_log_does_not_pass),
		cmocka_unit_test(a_receipt_without_one_of_its_members_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
