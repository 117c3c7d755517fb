/* context.h: what is known about a request when policies are evaluated: condition keys with their values.
 *
 * Names are compared without regard to case, but for what follows the slash of `cloister:HyperParameter/` and
 * `cloister:Environment/`, where case tells two parameters apart. `kms:RecipientAttestation:PCR0` … are other names of
 * `cloister:Pcr0` …, and `kms:RecipientAttestation:ImageSha384` of `cloister:Measurement`. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"

struct iam_context;

/* The canonical name of a condition key, in `out`. *ret_is_claim tells whether it belongs to the attestation set, whose
 * keys never allow when they are absent (protocols 3). ERR_INVALID for what is no key's name, and for a `cloister:` or
 * `kms:RecipientAttestation:` key that does not exist: a mistyped one in a negated condition would allow everything. */
struct iam_key_name {
	char text[321];
	size_t len;
	bool is_claim;
};
MUST_USE int iam_key_name_read(struct slice name, struct iam_key_name *ret_name, struct why *reterr_why);

MUST_USE int iam_context_new(struct iam_context **ret_context, struct why *reterr_why);
void iam_context_free(struct iam_context *c);
void iam_context_freep(struct iam_context **c);

/* Sets a key to one value, or to several; both are copied. No values at all leave the key absent. ERR_CONFLICT if the
 * key is set already, under whatever name: two sources must not disagree. ERR_LIMIT (limits.h: CONTEXT_*). */
MUST_USE int iam_context_put(struct iam_context *c, const char *name, struct slice value, struct why *reterr_why);
MUST_USE int iam_context_put_all(struct iam_context *c, struct slice name, const struct slice *values, size_t count,
                                 struct why *reterr_why);

/* The values of a key by its canonical name; *ret_count is 0 if it is absent. Borrowed from the context. */
const struct slice *iam_context_find(const struct iam_context *c, struct slice canonical, size_t *ret_count);
