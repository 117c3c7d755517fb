#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"

static int refuse(int value, struct why *reterr_why)
{
	ENSURE(value < 3, ERR_LIMIT, reterr_why, "%d; below 3 is accepted", value);
	return ERR_OK;
}

static int refuse_through(int value, int *reached, struct why *reterr_why)
{
	TRY(refuse(value, reterr_why));
	*reached = 1;
	return ERR_OK;
}

static int fail_with(int errnum, struct why *reterr_why)
{
	errno = errnum;
	ENSURE_SYS(errnum == 0, reterr_why, "cannot open %s", "x");
	return ERR_OK;
}

static void a_fine_code_belongs_to_its_class(void **state)
{
	(void)state;
	assert_int_equal(err_class(ERR_OK), ERR_OK);
	assert_int_equal(err_class(ERR_INVALID), ERR_INVALID);
	assert_int_equal(err_class(ERR_TIMEOUT), ERR_UNAVAILABLE);
	assert_int_equal(err_class(ERR_CLOSED), ERR_UNAVAILABLE);
	assert_int_equal(err_class(ERR_DENIED - 0xff), ERR_DENIED);
	assert_string_equal(err_class_name(ERR_TIMEOUT), "UNAVAILABLE");
}

static void every_class_has_its_name_and_exit_status(void **state)
{
	static const struct {
		int code, status;
		const char *name;
	} expected[] = {
		{ERR_OK, 0, "OK"},
		{ERR_INVALID, 2, "INVALID"},
		{ERR_DENIED, 3, "DENIED"},
		{ERR_NOTFOUND, 1, "NOTFOUND"},
		{ERR_CONFLICT, 1, "CONFLICT"},
		{ERR_LIMIT, 1, "LIMIT"},
		{ERR_TAMPERED, 4, "TAMPERED"},
		{ERR_UNAVAILABLE, 5, "UNAVAILABLE"},
		{ERR_INTERNAL, 1, "INTERNAL"},
		{-0x900, 1, "INTERNAL"}, /* a code that nobody defined is a defect */
		{1, 1, "INTERNAL"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		assert_int_equal(err_exit_status(expected[i].code), expected[i].status);
		assert_string_equal(err_class_name(expected[i].code), expected[i].name);
	}
}

static void ensure_refuses_with_its_sentence_and_try_passes_it_on(void **state)
{
	struct why why = {{0}};
	int reached = 0;
	(void)state;

	assert_int_equal(refuse_through(2, &reached, &why), ERR_OK);
	assert_int_equal(reached, 1);
	reached = 0;
	assert_int_equal(refuse_through(7, &reached, &why), ERR_LIMIT);
	assert_int_equal(reached, 0);
	assert_string_equal(why.text, "7; below 3 is accepted");
}

static void nobody_needs_to_ask_why(void **state)
{
	(void)state;
	assert_int_equal(refuse(7, NULL), ERR_LIMIT);
	assert_int_equal(fail_with(ENOENT, NULL), ERR_NOTFOUND);
	why_set(NULL, "%s", "x");
	why_prefix(NULL, "%s", "x");
}

static void errno_becomes_the_code_that_callers_can_act_on(void **state)
{
	static const struct {
		int errnum, code;
	} expected[] = {
		{ENOENT, ERR_NOTFOUND},    {EACCES, ERR_DENIED},      {EPERM, ERR_DENIED},
		{EEXIST, ERR_CONFLICT},    {ENOTDIR, ERR_CONFLICT},   {EISDIR, ERR_CONFLICT},
		{ENOTEMPTY, ERR_CONFLICT}, {ENAMETOOLONG, ERR_LIMIT}, {EFBIG, ERR_LIMIT},
		{ETIMEDOUT, ERR_TIMEOUT},  {ENOSPC, ERR_UNAVAILABLE}, {ENOMEM, ERR_UNAVAILABLE},
		{EMFILE, ERR_UNAVAILABLE}, {EIO, ERR_UNAVAILABLE},
	};
	struct why why;
	(void)state;

	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
		assert_int_equal(fail_with(expected[i].errnum, &why), expected[i].code);
	assert_int_equal(fail_with(ENOSPC, &why), ERR_UNAVAILABLE);
	assert_string_equal(why.text, "cannot open x: No space left on device");
}

static void context_goes_in_front(void **state)
{
	struct why why;
	(void)state;

	why_set(&why, "the disk is full");
	why_prefix(&why, "cannot start %s: ", "keys");
	assert_string_equal(why.text, "cannot start keys: the disk is full");
}

static void a_sentence_too_long_is_cut_and_stays_a_string(void **state)
{
	struct why why;
	char longer[2 * sizeof why.text];
	(void)state;

	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	why_set(&why, "%s", longer);
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
	why_prefix(&why, "%s", "ab: ");
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
	assert_memory_equal(why.text, "ab: xxx", 7);
	why_prefix(&why, "%s", longer);
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
	assert_int_equal(why_errno(&why, EIO, "%s", longer), ERR_UNAVAILABLE);
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fine_code_belongs_to_its_class),
		cmocka_unit_test(every_class_has_its_name_and_exit_status),
		cmocka_unit_test(ensure_refuses_with_its_sentence_and_try_passes_it_on),
		cmocka_unit_test(nobody_needs_to_ask_why),
		cmocka_unit_test(errno_becomes_the_code_that_callers_can_act_on),
		cmocka_unit_test(context_goes_in_front),
		cmocka_unit_test(a_sentence_too_long_is_cut_and_stays_a_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
