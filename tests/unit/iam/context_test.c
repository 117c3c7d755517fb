#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "iam/context.h"

static void values_are_copied_and_found_by_any_name(void **state)
{
	CLEANUP(iam_context_freep) struct iam_context *c = NULL;
	char value[] = "ff";
	const struct slice *found;
	size_t count;
	(void)state;

	assert_int_equal(iam_context_new(&c, NULL), ERR_OK);
	assert_int_equal(iam_context_put(c, "kms:RecipientAttestation:PCR12", slice_str(value), NULL), ERR_OK);
	memset(value, 'x', 2);
	found = iam_context_find(c, slice_str("cloister:pcr12"), &count);
	assert_int_equal(count, 1);
	assert_true(slice_is_str(found[0], "ff"));
	assert_int_equal(iam_context_put(c, "CLOISTER:PCR12", slice_str("00"), NULL), ERR_CONFLICT);
	assert_null(iam_context_find(c, slice_str("cloister:pcr1"), &count));
	assert_int_equal(count, 0);
}

static void no_values_leave_a_key_absent(void **state)
{
	CLEANUP(iam_context_freep) struct iam_context *c = NULL;
	size_t count;
	(void)state;

	assert_int_equal(iam_context_new(&c, NULL), ERR_OK);
	assert_int_equal(iam_context_put_all(c, slice_str("aws:x"), NULL, 0, NULL), ERR_OK);
	assert_null(iam_context_find(c, slice_str("aws:x"), &count));
	assert_int_equal(iam_context_put(c, "aws:x", slice_str(""), NULL), ERR_OK);
	assert_non_null(iam_context_find(c, slice_str("aws:x"), &count));
}

static void keys_are_limited(void **state)
{
	CLEANUP(iam_context_freep) struct iam_context *c = NULL;
	char name[32];
	(void)state;

	assert_int_equal(iam_context_new(&c, NULL), ERR_OK);
	for (int i = 0; i < CONTEXT_KEYS_MAX; i++) {
		snprintf(name, sizeof name, "aws:key%d", i);
		assert_int_equal(iam_context_put(c, name, slice_str("x"), NULL), ERR_OK);
	}
	assert_int_equal(iam_context_put(c, "aws:more", slice_str("x"), NULL), ERR_LIMIT);
}

static void values_are_limited(void **state)
{
	CLEANUP(iam_context_freep) struct iam_context *c = NULL;
	static struct slice values[CONTEXT_VALUES_MAX + 1];
	(void)state;

	assert_int_equal(iam_context_new(&c, NULL), ERR_OK);
	assert_int_equal(iam_context_put_all(c, slice_str("aws:x"), values, CONTEXT_VALUES_MAX + 1, NULL), ERR_LIMIT);
	assert_int_equal(iam_context_put_all(c, slice_str("aws:x"), values, CONTEXT_VALUES_MAX, NULL), ERR_OK);
	assert_int_equal(iam_context_put(c, "aws:y", slice_str("x"), NULL), ERR_LIMIT);
}

static void bytes_are_limited(void **state)
{
	CLEANUP(iam_context_freep) struct iam_context *c = NULL;
	static char value[CONTEXT_VALUE_BYTES_MAX + 1];
	char name[32];
	int err = ERR_OK, count = 0;
	(void)state;

	assert_int_equal(iam_context_new(&c, NULL), ERR_OK);
	assert_int_equal(iam_context_put(c, "aws:x", slice_of(value, CONTEXT_VALUE_BYTES_MAX + 1), NULL), ERR_LIMIT);
	while (err == ERR_OK) {
		snprintf(name, sizeof name, "aws:key%d", count);
		err = iam_context_put(c, name, slice_of(value, CONTEXT_VALUE_BYTES_MAX), NULL);
		count += err == ERR_OK;
	}
	assert_int_equal(err, ERR_LIMIT);
	assert_in_range(count, CONTEXT_BYTES_MAX / (CONTEXT_VALUE_BYTES_MAX + 16),
	                CONTEXT_BYTES_MAX / CONTEXT_VALUE_BYTES_MAX);
}

static void names_are_canonical(void **state)
{
	static const struct {
		const char *written, *canonical;
		bool is_claim;
	} names[] = {
		{"aws:SourceIp", "aws:sourceip", false},
		{"s3:ExistingObjectTag/Team", "s3:existingobjecttag/team", false},
		{"Cloister:TEE", "cloister:tee", true},
		{"cloister:hyperPARAMETER/Lr", "cloister:hyperparameter/Lr", true},
		{"cloister:Environment/PATH", "cloister:environment/PATH", true},
		{"cloister:TcbVersion/Microcode", "cloister:tcbversion/microcode", true},
		{"cloister:CredentialOrigin", "cloister:credentialorigin", false},
		{"kms:RecipientAttestation:pcr0", "cloister:pcr0", true},
		{"KMS:recipientATTESTATION:imageSHA384", "cloister:measurement", true},
		{"kms:EncryptionContext:Dept", "kms:encryptioncontext:dept", false},
	};
	struct iam_key_name name;
	(void)state;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_int_equal(iam_key_name_read(slice_str(names[i].written), &name, NULL), ERR_OK);
		assert_true(slice_is_str(slice_of(name.text, name.len), names[i].canonical));
		assert_int_equal(name.is_claim, names[i].is_claim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_copied_and_found_by_any_name),
		cmocka_unit_test(no_values_leave_a_key_absent),
		cmocka_unit_test(keys_are_limited),
		cmocka_unit_test(values_are_limited),
		cmocka_unit_test(bytes_are_limited),
		cmocka_unit_test(names_are_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
