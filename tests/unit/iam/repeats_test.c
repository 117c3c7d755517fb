#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "iam/repeats.h"

#define NOW_MS UINT64_C(1795000000000)

static struct sigv4 signed_as(uint32_t number)
{
	struct sigv4 auth = {.time_ms = NOW_MS};

	memcpy(auth.signature, &number, sizeof number);
	auth.signature[12] = 7;
	return auth;
}

static int use(struct iam_repeats *r, const struct sigv4 *auth, enum iam_call_kind kind, uint64_t now_ms,
               enum iam_repeat *ret_repeat, struct slice *ret_outcome)
{
	unsigned int uses = 0;

	return iam_repeats_use(r, auth, kind, now_ms, ret_repeat, &uses, ret_outcome, NULL);
}

static void a_signature_mints_so_often_and_no_more(void **state)
{
	struct iam_repeats *r = NULL;
	struct sigv4 one = signed_as(1), two = signed_as(2);
	enum iam_repeat repeat;
	struct slice outcome;
	unsigned int uses;
	(void)state;

	assert_int_equal(iam_repeats_new(16, &r, NULL), ERR_OK);
	for (unsigned int i = 1; i <= IAM_SIGNATURE_USES_MAX; i++) {
		assert_int_equal(iam_repeats_use(r, &one, IAM_CALL_MINTS, NOW_MS, &repeat, &uses, &outcome, NULL),
		                 ERR_OK);
		assert_int_equal(repeat, IAM_REPEAT_RUN);
		assert_int_equal(uses, i);
	}
	assert_int_equal(use(r, &one, IAM_CALL_MINTS, NOW_MS, &repeat, &outcome), ERR_DENIED);
	assert_int_equal(use(r, &two, IAM_CALL_MINTS, NOW_MS, &repeat, &outcome), ERR_OK);
	iam_repeats_free(r);
}

static void a_set_call_runs_once_and_answers_the_same_again(void **state)
{
	struct iam_repeats *r = NULL;
	struct sigv4 one = signed_as(1);
	enum iam_repeat repeat;
	struct slice outcome;
	(void)state;

	assert_int_equal(iam_repeats_new(16, &r, NULL), ERR_OK);
	assert_int_equal(iam_repeats_record(r, &one, slice_str("x"), NULL), ERR_INTERNAL);
	assert_int_equal(use(r, &one, IAM_CALL_SETS, NOW_MS, &repeat, &outcome), ERR_OK);
	assert_int_equal(repeat, IAM_REPEAT_RUN);
	/* While it still runs, or if it died, its outcome is not known. */
	assert_int_equal(use(r, &one, IAM_CALL_SETS, NOW_MS, &repeat, &outcome), ERR_DENIED);
	assert_int_equal(iam_repeats_record(r, &one, slice_str("200 done"), NULL), ERR_OK);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(use(r, &one, IAM_CALL_SETS, NOW_MS, &repeat, &outcome), ERR_OK);
		assert_int_equal(repeat, IAM_REPEAT_OUTCOME);
		assert_true(slice_is_str(outcome, "200 done"));
	}
	iam_repeats_free(r);
}

static void a_nonce_is_good_once(void **state)
{
	struct iam_repeats *r = NULL;
	struct sigv4 one = signed_as(1);
	enum iam_repeat repeat;
	struct slice outcome;
	(void)state;

	assert_int_equal(iam_repeats_new(16, &r, NULL), ERR_OK);
	assert_int_equal(use(r, &one, IAM_CALL_ONCE, NOW_MS, &repeat, &outcome), ERR_OK);
	assert_int_equal(use(r, &one, IAM_CALL_ONCE, NOW_MS, &repeat, &outcome), ERR_DENIED);
	iam_repeats_free(r);
}

static void what_can_not_be_counted_is_refused_until_something_expires(void **state)
{
	struct iam_repeats *r = NULL;
	struct sigv4 more = signed_as(1000), presigned = signed_as(1001);
	enum iam_repeat repeat;
	struct slice outcome;
	(void)state;

	assert_int_equal(iam_repeats_new(64, &r, NULL), ERR_OK);
	presigned.origin = SIGV4_IN_QUERY;
	presigned.expires_s = 86400;
	assert_int_equal(use(r, &presigned, IAM_CALL_MINTS, NOW_MS, &repeat, &outcome), ERR_OK);
	for (uint32_t i = 0; i < 63; i++) {
		struct sigv4 auth = signed_as(i);

		assert_int_equal(use(r, &auth, IAM_CALL_MINTS, NOW_MS, &repeat, &outcome), ERR_OK);
	}
	assert_int_equal(use(r, &more, IAM_CALL_MINTS, NOW_MS, &repeat, &outcome), ERR_UNAVAILABLE);
	more.time_ms = NOW_MS + SIGV4_SKEW_MS;
	assert_int_equal(use(r, &more, IAM_CALL_MINTS, NOW_MS + SIGV4_SKEW_MS, &repeat, &outcome), ERR_OK);
	/* The presigned one outlived the others. */
	for (int i = 1; i < IAM_SIGNATURE_USES_MAX; i++)
		assert_int_equal(use(r, &presigned, IAM_CALL_MINTS, NOW_MS + SIGV4_SKEW_MS, &repeat, &outcome), ERR_OK);
	assert_int_equal(use(r, &presigned, IAM_CALL_MINTS, NOW_MS + SIGV4_SKEW_MS, &repeat, &outcome), ERR_DENIED);
	iam_repeats_free(r);
}

static void an_outcome_that_was_dropped_is_not_run_again(void **state)
{
	static const char large[IAM_OUTCOME_BYTES_MAX + 1];
	struct iam_repeats *r = NULL;
	enum iam_repeat repeat;
	struct slice outcome;
	struct sigv4 first = signed_as(0), last = signed_as(IAM_OUTCOMES_MAX);
	(void)state;

	assert_int_equal(iam_repeats_new(IAM_OUTCOMES_MAX + 8, &r, NULL), ERR_OK);
	for (uint32_t i = 0; i <= IAM_OUTCOMES_MAX; i++) {
		struct sigv4 auth = signed_as(i);

		assert_int_equal(use(r, &auth, IAM_CALL_SETS, NOW_MS, &repeat, &outcome), ERR_OK);
		assert_int_equal(iam_repeats_record(r, &auth, slice_of(&i, sizeof i), NULL), ERR_OK);
	}
	assert_int_equal(use(r, &first, IAM_CALL_SETS, NOW_MS, &repeat, &outcome), ERR_DENIED);
	assert_int_equal(use(r, &last, IAM_CALL_SETS, NOW_MS, &repeat, &outcome), ERR_OK);
	assert_int_equal(repeat, IAM_REPEAT_OUTCOME);
	assert_int_equal(iam_repeats_record(r, &last, slice_of(large, IAM_OUTCOME_BYTES_MAX), NULL), ERR_OK);
	assert_int_equal(iam_repeats_record(r, &last, slice_of(large, IAM_OUTCOME_BYTES_MAX + 1), NULL), ERR_LIMIT);
	iam_repeats_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_mints_so_often_and_no_more),
		cmocka_unit_test(a_set_call_runs_once_and_answers_the_same_again),
		cmocka_unit_test(a_nonce_is_good_once),
		cmocka_unit_test(what_can_not_be_counted_is_refused_until_something_expires),
		cmocka_unit_test(an_outcome_that_was_dropped_is_not_run_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
