/* repeats.h: how often each signature was used, for a front that may replay what it saw (protocols 2).
 *
 * Honest clients repeat signatures as well. A call that mints runs anew, at most IAM_SIGNATURE_USES_MAX times; a call
 * that sets a value runs once, and a repetition gets the recorded outcome; a call whose client signed a nonce never
 * repeats. What can no longer be counted is refused. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"
#include "wire/sigv4.h"

struct iam_repeats;

/* Counts at most `max_signatures` at a time (IAM_SIGNATURES_MAX in a daemon). */
MUST_USE int iam_repeats_new(size_t max_signatures, struct iam_repeats **ret_repeats, struct why *reterr_why);
void iam_repeats_free(struct iam_repeats *r);
void iam_repeats_freep(struct iam_repeats **r);

enum iam_call_kind {
	IAM_CALL_MINTS,
	IAM_CALL_SETS,
	IAM_CALL_ONCE, /* its client signed a nonce */
};

enum iam_repeat {
	IAM_REPEAT_RUN,     /* run the call; *ret_uses tells the how-manyth time this is */
	IAM_REPEAT_OUTCOME, /* answer with the recorded outcome */
};

/* Counts a use of a signature that was checked. ret_outcome: borrowed until the next call here, for
 * IAM_REPEAT_OUTCOME. ERR_DENIED: used too often, or a set call whose outcome is not (or no longer) known.
 * ERR_UNAVAILABLE: more signatures than can be counted; try again later. */
MUST_USE int iam_repeats_use(struct iam_repeats *r, const struct sigv4 *auth, enum iam_call_kind kind, uint64_t now_ms,
                             enum iam_repeat *ret_repeat, unsigned int *ret_uses, struct slice *ret_outcome,
                             struct why *reterr_why);

/* Records what a set call answered: at most IAM_OUTCOME_BYTES_MAX, of which the newest IAM_OUTCOMES_MAX are kept. */
MUST_USE int iam_repeats_record(struct iam_repeats *r, const struct sigv4 *auth, struct slice outcome,
                                struct why *reterr_why);
