#include "support.h"

#include <stdio.h>
#include <string.h>

#include "audit/checkpoint.h"
#include "audit/trust.h"

#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

static void checkpoints_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{"example.com/behind-the-sofa\n20852163\n" ROOT, ERR_OK},
		{"a b\n0\n" ROOT, ERR_OK},
		{"o\n18446744073709551615\n" ROOT, ERR_OK},
		{"o\n1\n" ROOT "extension\nanother\n", ERR_OK},
		{"o\n18446744073709551616\n" ROOT, ERR_LIMIT},
		{"o\n01\n" ROOT, ERR_INVALID},
		{"o\n-1\n" ROOT, ERR_INVALID},
		{"o\n\n" ROOT, ERR_INVALID},
		{"\n1\n" ROOT, ERR_INVALID},
		{"o\n1\n", ERR_INVALID},
		{"o\n1\nAA==\n", ERR_INVALID},
		{"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", ERR_INVALID},
		{"o\n1\n" ROOT "\n", ERR_INVALID},
		{"o\n1\n" ROOT "extension", ERR_INVALID},
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct checkpoint c = {.head.size = 99};

		assert_int_equal(checkpoint_parse(slice_str(cases[i].text), &c, NULL), cases[i].code);
		if (cases[i].code != ERR_OK)
			assert_int_equal(c.head.size, 99);
	}
}

static void the_specifications_checkpoints_are_read(void **state)
{
	static const char *const names[] = {"c2sp/checkpoint-example.txt", "c2sp/cosigned-checkpoint-example.txt"};
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(buf_freep) struct buf *text = support_vector(names[i]);
		struct checkpoint c;
		struct note note;

		assert_ok(note_parse(buf_slice(text), &note, NULL));
		assert_int_equal(note.count, i + 1);
		assert_ok(checkpoint_parse(note.text, &c, NULL));
		assert_true(slice_is_str(c.origin, "example.com/behind-the-sofa"));
		assert_int_equal(c.head.size, 20852163);
		assert_int_equal(c.head.root.bytes[0], 0x0a);
		assert_int_equal(c.extensions.len, 0);
	}
}

static void an_origin_of_255_bytes_is_the_longest(void **state)
{
	char text[512];
	struct checkpoint c;
	(void)state;

	memset(text, 'o', sizeof text);
	snprintf(text + NOTE_NAME_BYTES_MAX, sizeof text - NOTE_NAME_BYTES_MAX, "\n1\n%s", ROOT);
	assert_ok(checkpoint_parse(slice_str(text), &c, NULL));
	text[NOTE_NAME_BYTES_MAX] = 'o';
	snprintf(text + NOTE_NAME_BYTES_MAX + 1, sizeof text - NOTE_NAME_BYTES_MAX - 1, "\n1\n%s", ROOT);
	assert_int_equal(checkpoint_parse(slice_str(text), &c, NULL), ERR_LIMIT);
}

static void a_checkpoint_opens_under_its_logs_key_and_origin_only(void **state)
{
	CLEANUP(note_signer_freep) struct note_signer *log = support_signer("log.example/a", NOTE_ED25519);
	CLEANUP(buf_freep) struct buf *text = support_buf(), *foreign = support_buf();
	struct merkle_head head = {.size = 5, .root = {{1, 2, 3}}};
	struct checkpoint c;
	struct note note;
	(void)state;

	assert_ok(checkpoint_put(log, &head, text, NULL));
	assert_ok(checkpoint_open(buf_slice(text), note_signer_verifier(log), &note, &c, NULL));
	assert_int_equal(c.head.size, 5);
	assert_true(merkle_hash_equal(&c.head.root, &head.root));

	assert_ok(note_put(log, slice_str("log.example/b\n5\n" ROOT), foreign, NULL));
	assert_int_equal(checkpoint_open(buf_slice(foreign), note_signer_verifier(log), &note, &c, NULL), ERR_TAMPERED);
	support_keys_free();
}

static void a_quorum_of_witnesses_dates_a_checkpoint(void **state)
{
	CLEANUP(buf_freep) struct buf *text = support_vector("cosigned/checkpoint");
	CLEANUP(note_verifier_freep) struct note_verifier *log = support_vkey("cosigned/log.vkey");
	CLEANUP(note_verifier_freep) struct note_verifier *a = support_vkey("cosigned/a.vkey");
	CLEANUP(note_verifier_freep) struct note_verifier *b = support_vkey("cosigned/b.vkey");
	CLEANUP(note_signer_freep) struct note_signer *absent = support_signer("witness.example/c", NOTE_COSIGNATURE);
	struct trust trust = {.log = log, .witnesses = {a, b, note_signer_verifier(absent)}, .witness_count = 3};
	static const uint64_t times[] = {0, 1700000050, 1700000100};
	struct merkle_head head;
	uint64_t time_s;
	(void)state;

	for (trust.quorum = 0; trust.quorum <= 2; trust.quorum++) {
		assert_ok(trust_checkpoint_open(&trust, buf_slice(text), &head, &time_s, NULL));
		assert_int_equal(time_s, times[trust.quorum]);
		assert_int_equal(head.size, 3);
	}
	assert_int_equal(trust_checkpoint_open(&trust, buf_slice(text), &head, &time_s, NULL), ERR_DENIED);
	trust.log = note_signer_verifier(absent);
	assert_int_equal(trust_checkpoint_open(&trust, buf_slice(text), &head, &time_s, NULL), ERR_NOTFOUND);
	trust.witness_count = TRUST_WITNESSES_MAX + 1;
	assert_int_equal(trust_checkpoint_open(&trust, buf_slice(text), &head, &time_s, NULL), ERR_LIMIT);
	support_keys_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checkpoints_are_read_strictly),
		cmocka_unit_test(the_specifications_checkpoints_are_read),
		cmocka_unit_test(an_origin_of_255_bytes_is_the_longest),
		cmocka_unit_test(a_checkpoint_opens_under_its_logs_key_and_origin_only),
		cmocka_unit_test(a_quorum_of_witnesses_dates_a_checkpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
