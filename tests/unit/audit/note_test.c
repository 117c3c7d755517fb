#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DASH "\xe2\x80\x94 "
#define SIGNATURE DASH "example.com/foo AAAAAQ==\n"
/* key id 00000001 and one byte of signature */
#define SHORT_SIGNATURE DASH "x AAAAAQI=\n"

static int parse(const char *text, struct note *note, struct why *why)
{
	return note_parse(slice_str(text), note, why);
}

static void refuse(const char *text, int code)
{
	struct note note = {.count = 99};

	assert_int_equal(parse(text, &note, NULL), code);
	assert_int_equal(note.count, 99);
}

static void the_specifications_note_verifies(void **state)
{
	CLEANUP(buf_freep) struct buf *text = support_vector("c2sp/signed-note-example.txt");
	CLEANUP(note_verifier_freep) struct note_verifier *v = support_vkey("c2sp/signed-note-example.vkey");
	uint64_t time_s = 7;
	struct note note;
	(void)state;

	assert_ok(note_parse(buf_slice(text), &note, NULL));
	assert_true(slice_is_str(note.text, "This is an example message.\n"));
	assert_int_equal(note.count, 1);
	assert_true(slice_is_str(note.signatures[0].name, "example.com/foo"));
	assert_int_equal(note.signatures[0].key_id, 0x530d903a);
	assert_ok(note_verify(&note, v, &time_s, NULL));
	assert_int_equal(time_s, 0);
}

static void any_altered_bit_of_a_note_is_found(void **state)
{
	CLEANUP(buf_freep) struct buf *text = support_vector("c2sp/signed-note-example.txt");
	CLEANUP(note_verifier_freep) struct note_verifier *v = support_vkey("c2sp/signed-note-example.vkey");
	CLEANUP(free_p) uint8_t *bytes = malloc(buf_len(text));
	size_t len = buf_len(text);
	(void)state;

	memcpy(bytes, buf_slice(text).ptr, len);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		uint64_t time_s;
		struct note note;
		int err;

		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		err = note_parse(slice_of(bytes, len), &note, NULL);
		if (err == ERR_OK)
			err = note_verify(&note, v, &time_s, NULL);
		assert_int_not_equal(err, ERR_OK);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void a_verifier_key_is_written_as_it_was_read(void **state)
{
	CLEANUP(buf_freep) struct buf *text = support_vector("c2sp/signed-note-example.vkey"), *written = support_buf();
	CLEANUP(note_verifier_freep) struct note_verifier *v = support_vkey("c2sp/signed-note-example.vkey");
	(void)state;

	assert_ok(note_verifier_put_vkey(v, written, NULL));
	assert_ok(buf_put_str(written, "\n", NULL));
	assert_true(slice_starts_with(buf_slice(text), "example.com/foo+530d903a+"));
	assert_memory_equal(buf_slice(written).ptr, buf_slice(text).ptr, buf_len(written) - 1);
	assert_string_equal(note_verifier_name(v), "example.com/foo");
	assert_int_equal(note_verifier_kind(v), NOTE_ED25519);
	assert_int_equal(note_verifier_key_id(v), 0x530d903a);
}

static void a_wrong_verifier_key_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"example.com/foo",
		"example.com/foo+530d903a",
		"example.com/foo+530d903a+",
		"+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Q==",
		"example.com/foo+530d903+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/ foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
	};
	(void)state;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct note_verifier *v = NULL;

		assert_int_not_equal(note_verifier_parse(slice_str(wrong[i]), &v, NULL), ERR_OK);
		assert_null(v);
	}
}

static void the_text_ends_at_the_last_empty_line(void **state)
{
	struct note note;
	(void)state;

	assert_ok(parse("one\n\ntwo\n\n" SHORT_SIGNATURE, &note, NULL));
	assert_true(slice_is_str(note.text, "one\n\ntwo\n"));
	assert_ok(parse("one\n\n\n" SHORT_SIGNATURE, &note, NULL));
	assert_true(slice_is_str(note.text, "one\n\n"));
	assert_int_equal(note.signatures[0].key_id, 1);
}

static void malformed_notes_are_refused(void **state)
{
	(void)state;

	refuse("", ERR_INVALID);
	refuse("\n", ERR_INVALID);
	refuse("text\n", ERR_INVALID);
	refuse("text\n\n", ERR_INVALID);
	refuse("text\n" SHORT_SIGNATURE, ERR_INVALID);
	refuse("text\n\n" SIGNATURE, ERR_INVALID); /* a key id and nothing signed */
	refuse("text\n\n" DASH "x AAAAAQI=", ERR_INVALID);
	refuse("text\n\n" DASH "x AAAAAQI\n", ERR_INVALID);
	refuse("text\n\n" DASH "x  AAAAAQI=\n", ERR_INVALID);
	refuse("text\n\n" DASH "xAAAAAQI=\n", ERR_INVALID);
	refuse("text\n\n" DASH " AAAAAQI=\n", ERR_INVALID);
	refuse("text\n\n" DASH "a+b AAAAAQI=\n", ERR_INVALID);
	refuse("text\n\n- x AAAAAQI=\n", ERR_INVALID);
	refuse("text\n\n\xe2\x80\x94x AAAAAQI=\n", ERR_INVALID);
	refuse("text\n\n" SHORT_SIGNATURE "stray\n", ERR_INVALID);
	refuse("te\txt\n\n" SHORT_SIGNATURE, ERR_INVALID);
	refuse("te\rxt\n\n" SHORT_SIGNATURE, ERR_INVALID);
}

static void only_utf8_is_accepted(void **state)
{
	static const char *const wrong[] = {
		"\x80",     /* a continuation on its own */
		"\xc0\xaf", /* overlong */
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80",     /* a surrogate */
		"\xf4\x90\x80\x80", /* beyond U+10FFFF */
		"\xf5\x80\x80\x80",
		"\xff",
		"\xe2\x82",
		"\xe2\x28\xa1",
	};
	static const char *const right[] = {"\x7f",         "\xc2\x80",     "\xdf\xbf",         "\xe0\xa0\x80",
	                                    "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
	struct note note;
	char text[64];
	(void)state;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(text, sizeof text, "%s\n\n%s", wrong[i], SHORT_SIGNATURE);
		refuse(text, ERR_INVALID);
	}
	for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
		snprintf(text, sizeof text, "%s\n\n%s", right[i], SHORT_SIGNATURE);
		assert_ok(parse(text, &note, NULL));
	}
	assert_int_equal(note_parse(slice_of("a\0b\n\n" SHORT_SIGNATURE, 5 + sizeof SHORT_SIGNATURE - 1), &note, NULL),
	                 ERR_INVALID);
}

static void names_hold_no_space_of_any_kind(void **state)
{
	static const char *const spaces[] = {" ",
	                                     "\t",
	                                     "\xc2\x85",
	                                     "\xc2\xa0",
	                                     "\xe1\x9a\x80",
	                                     "\xe2\x80\x83",
	                                     "\xe2\x80\xa8",
	                                     "\xe2\x80\xaf",
	                                     "\xe2\x81\x9f",
	                                     "\xe3\x80\x80",
	                                     "+",
	                                     "\n",
	                                     "\x01"};
	char name[NOTE_NAME_BYTES_MAX + 2];
	(void)state;

	assert_ok(note_name_check(slice_str("example.com/log42"), NULL));
	assert_ok(note_name_check(slice_str("\xc3\xa9t\xc3\xa9"), NULL));
	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
		snprintf(name, sizeof name, "a%sb", spaces[i]);
		assert_int_equal(note_name_check(slice_str(name), NULL), ERR_INVALID);
	}
	memset(name, 'a', sizeof name);
	assert_ok(note_name_check(slice_of(name, NOTE_NAME_BYTES_MAX), NULL));
	assert_int_equal(note_name_check(slice_of(name, NOTE_NAME_BYTES_MAX + 1), NULL), ERR_LIMIT);
	assert_int_equal(note_name_check(slice_of(name, 0), NULL), ERR_INVALID);
}

static void sixty_four_signatures_are_accepted_and_one_more_is_not(void **state)
{
	CLEANUP(buf_freep) struct buf *text = support_buf();
	struct note note;
	(void)state;

	assert_ok(buf_put_str(text, "text\n\n", NULL));
	for (int i = 0; i < NOTE_SIGNATURES_MAX; i++)
		assert_ok(buf_put_str(text, SHORT_SIGNATURE, NULL));
	assert_ok(note_parse(buf_slice(text), &note, NULL));
	assert_int_equal(note.count, NOTE_SIGNATURES_MAX);
	assert_ok(buf_put_str(text, SHORT_SIGNATURE, NULL));
	assert_int_equal(note_parse(buf_slice(text), &note, NULL), ERR_LIMIT);
}

static void an_oversize_note_or_signature_is_refused(void **state)
{
	CLEANUP(free_p) char *text = malloc(NOTE_BYTES_MAX + 1);
	struct note note;
	size_t base64_len = (size_t)(NOTE_SIGNATURE_BYTES_MAX / 3 + 1) * 4;
	(void)state;

	memset(text, 'a', NOTE_BYTES_MAX + 1);
	assert_int_equal(note_parse(slice_of(text, NOTE_BYTES_MAX + 1), &note, NULL), ERR_LIMIT);

	memset(text, 'A', NOTE_BYTES_MAX);
	memcpy(text, "t\n\n" DASH "x ", 9);
	text[9 + base64_len] = '\n';
	assert_int_equal(note_parse(slice_of(text, 9 + base64_len + 1), &note, NULL), ERR_LIMIT);
	text[9 + base64_len - 4] = '\n';
	assert_ok(note_parse(slice_of(text, 9 + base64_len - 4 + 1), &note, NULL));
}

static void what_is_signed_verifies_under_its_own_key_only(void **state)
{
	CLEANUP(note_signer_freep) struct note_signer *signer = support_signer("log.example/a", NOTE_ED25519);
	CLEANUP(note_signer_freep) struct note_signer *other = support_signer("log.example/a", NOTE_ED25519);
	CLEANUP(buf_freep) struct buf *text = support_buf();
	uint64_t time_s;
	struct note note;
	(void)state;

	assert_ok(note_put(signer, slice_str("hello\n"), text, NULL));
	assert_ok(note_parse(buf_slice(text), &note, NULL));
	assert_ok(note_verify(&note, note_signer_verifier(signer), &time_s, NULL));
	assert_int_equal(note_verify(&note, note_signer_verifier(other), &time_s, NULL), ERR_NOTFOUND);
	support_keys_free();
}

static void a_text_that_no_note_can_have_is_not_signed(void **state)
{
	CLEANUP(note_signer_freep) struct note_signer *signer = support_signer("log.example/a", NOTE_ED25519);
	CLEANUP(buf_freep) struct buf *text = support_buf();
	(void)state;

	assert_int_equal(note_put(signer, slice_str("no newline"), text, NULL), ERR_INVALID);
	assert_int_equal(note_put(signer, slice_str("tab\t\n"), text, NULL), ERR_INVALID);
	assert_int_equal(note_put(signer, slice_str(""), text, NULL), ERR_INVALID);
	assert_int_equal(note_put(signer, slice_str("\xff\n"), text, NULL), ERR_INVALID);
	support_keys_free();
}

/* An attacker can add a signature line that names a known key. It must not pass as one more unknown key. */
static void one_wrong_signature_by_a_known_key_rejects_the_note(void **state)
{
	CLEANUP(note_signer_freep) struct note_signer *signer = support_signer("log.example/a", NOTE_ED25519);
	CLEANUP(buf_freep) struct buf *text = support_buf(), *forged = support_buf();
	uint64_t time_s;
	struct note note;
	(void)state;

	assert_ok(note_put(signer, slice_str("good\n"), text, NULL));
	assert_ok(note_put_signature(signer, slice_str("other\n"), 0, text, NULL));
	assert_ok(note_parse(buf_slice(text), &note, NULL));
	assert_int_equal(note.count, 2);
	assert_int_equal(note_verify(&note, note_signer_verifier(signer), &time_s, NULL), ERR_TAMPERED);
	support_keys_free();
}

static void python_cosignatures_verify_with_their_times(void **state)
{
	CLEANUP(buf_freep) struct buf *text = support_vector("cosigned/checkpoint");
	CLEANUP(note_verifier_freep) struct note_verifier *log = support_vkey("cosigned/log.vkey");
	CLEANUP(note_verifier_freep) struct note_verifier *a = support_vkey("cosigned/a.vkey");
	CLEANUP(note_verifier_freep) struct note_verifier *b = support_vkey("cosigned/b.vkey");
	uint64_t time_s;
	struct note note;
	(void)state;

	assert_ok(note_parse(buf_slice(text), &note, NULL));
	assert_ok(note_verify(&note, log, &time_s, NULL));
	assert_int_equal(time_s, 0);
	assert_ok(note_verify(&note, a, &time_s, NULL));
	assert_int_equal(time_s, 1700000100);
	assert_ok(note_verify(&note, b, &time_s, NULL));
	assert_int_equal(time_s, 1700000050);
	assert_int_equal(note_verifier_kind(a), NOTE_COSIGNATURE);
}

static void a_cosignature_is_bound_to_its_time(void **state)
{
	CLEANUP(note_signer_freep) struct note_signer *witness = support_signer("witness.example", NOTE_COSIGNATURE);
	CLEANUP(buf_freep) struct buf *text = support_buf();
	uint64_t time_s;
	struct note note;
	char *bytes;
	(void)state;

	assert_ok(buf_put_str(text, "log\n0\nAA==\n\n", NULL));
	assert_ok(note_put_signature(witness, slice_str("log\n0\nAA==\n"), 1700000000, text, NULL));
	assert_ok(note_parse(buf_slice(text), &note, NULL));
	assert_ok(note_verify(&note, note_signer_verifier(witness), &time_s, NULL));
	assert_int_equal(time_s, 1700000000);

	/* Base64 characters 6 to 15 behind the name carry the time; the 14th changes its lowest bits. */
	bytes = (char *)(uintptr_t)note.signatures[0].base64.ptr;
	bytes[14] = bytes[14] == 'A' ? 'B' : 'A';
	assert_ok(note_parse(buf_slice(text), &note, NULL));
	assert_int_equal(note_verify(&note, note_signer_verifier(witness), &time_s, NULL), ERR_TAMPERED);
	assert_int_equal(note_put_signature(witness, slice_str("x\n"), UINT64_C(1) << 63, text, NULL), ERR_INVALID);
	support_keys_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_specifications_note_verifies),
		cmocka_unit_test(any_altered_bit_of_a_note_is_found),
		cmocka_unit_test(a_verifier_key_is_written_as_it_was_read),
		cmocka_unit_test(a_wrong_verifier_key_is_refused),
		cmocka_unit_test(the_text_ends_at_the_last_empty_line),
		cmocka_unit_test(malformed_notes_are_refused),
		cmocka_unit_test(only_utf8_is_accepted),
		cmocka_unit_test(names_hold_no_space_of_any_kind),
		cmocka_unit_test(sixty_four_signatures_are_accepted_and_one_more_is_not),
		cmocka_unit_test(an_oversize_note_or_signature_is_refused),
		cmocka_unit_test(what_is_signed_verifies_under_its_own_key_only),
		cmocka_unit_test(a_text_that_no_note_can_have_is_not_signed),
		cmocka_unit_test(one_wrong_signature_by_a_known_key_rejects_the_note),
		cmocka_unit_test(python_cosignatures_verify_with_their_times),
		cmocka_unit_test(a_cosignature_is_bound_to_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
