#include "iam/repeats.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/random.h"

/* One signature: half of it tells it apart well enough, since it is a MAC that nobody can choose. */
struct use {
	uint64_t key[2];
	uint64_t expires_ms; /* 0: the slot is free */
	uint32_t count;
	uint32_t outcome; /* number from 1 of the outcome recorded for it; 0: none */
};

struct outcome {
	uint32_t number;
	struct slice bytes; /* owned */
};

/* Open addressing with linear probing, at most half full. Expired entries are dropped when the table is rebuilt, which
 * happens when it looks full: at most once for as many new signatures as were dropped. */
struct iam_repeats {
	size_t max, count, slots;
	uint64_t swept_ms;
	struct use *uses;
	uint32_t outcomes; /* recorded so far */
	struct outcome outcome[IAM_OUTCOMES_MAX];
};

int iam_repeats_new(size_t max_signatures, struct iam_repeats **ret_repeats, struct why *reterr_why)
{
	CLEANUP(iam_repeats_freep) struct iam_repeats *r = calloc(1, sizeof *r);

	ENSURE(r, ERR_UNAVAILABLE, reterr_why, "out of memory to count signatures");
	r->max = max_signatures;
	r->slots = 2;
	while (r->slots < max_signatures * 2)
		r->slots *= 2;
	/* calloc() leaves the pages of a large table untouched until they are needed. */
	r->uses = calloc(r->slots, sizeof *r->uses);
	ENSURE(r->uses, ERR_UNAVAILABLE, reterr_why, "out of memory to count %zu signatures", max_signatures);
	*ret_repeats = take_ptr(r);
	return ERR_OK;
}

void iam_repeats_free(struct iam_repeats *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < IAM_OUTCOMES_MAX; i++)
		free((void *)(uintptr_t)r->outcome[i].bytes.ptr);
	free(r->uses);
	free(r);
}

void iam_repeats_freep(struct iam_repeats **r)
{
	iam_repeats_free(*r);
	*r = NULL;
}

/* Where the signature is, or the free slot for it. */
static struct use *find(const struct iam_repeats *r, struct use *uses, const uint64_t key[static 2])
{
	size_t at = (size_t)key[0] & (r->slots - 1);

	while (uses[at].expires_ms && (uses[at].key[0] != key[0] || uses[at].key[1] != key[1]))
		at = (at + 1) & (r->slots - 1);
	return &uses[at];
}

/* Moves what has not expired to a new table. */
static int sweep(struct iam_repeats *r, uint64_t now_ms, struct why *reterr_why)
{
	struct use *uses = calloc(r->slots, sizeof *uses);
	size_t count = 0;

	ENSURE(uses, ERR_UNAVAILABLE, reterr_why, "out of memory to count signatures");
	for (size_t i = 0; i < r->slots; i++) {
		if (r->uses[i].expires_ms > now_ms) {
			*find(r, uses, r->uses[i].key) = r->uses[i];
			count++;
		}
	}
	free(r->uses);
	r->uses = uses;
	r->count = count;
	return ERR_OK;
}

/* A full table is swept at most once a second: a flood must not make every call walk it. */
static int make_room(struct iam_repeats *r, uint64_t now_ms, struct why *reterr_why)
{
	if (r->count < r->max)
		return ERR_OK;
	if (now_ms >= r->swept_ms + 1000 || now_ms < r->swept_ms) {
		r->swept_ms = now_ms;
		TRY(sweep(r, now_ms, reterr_why));
	}
	ENSURE(r->count < r->max, ERR_UNAVAILABLE, reterr_why,
	       "more than %zu signed calls within their validity: try again later", r->max);
	return ERR_OK;
}

/* Until when a signature passes iam_authenticate(). */
static uint64_t valid_until(const struct sigv4 *auth)
{
	uint64_t by_clock = auth->time_ms + SIGV4_SKEW_MS;
	uint64_t by_url = auth->time_ms + (uint64_t)auth->expires_s * 1000;

	return auth->origin == SIGV4_IN_QUERY && by_url > by_clock ? by_url : by_clock;
}

static void key_of(const struct sigv4 *auth, uint64_t ret_key[static 2])
{
	memcpy(ret_key, auth->signature, 2 * sizeof ret_key[0]);
}

static const struct outcome *find_outcome(const struct iam_repeats *r, uint32_t number)
{
	const struct outcome *o = &r->outcome[number % IAM_OUTCOMES_MAX];

	return number && o->number == number ? o : NULL;
}

static int repeat(struct iam_repeats *r, struct use *use, enum iam_call_kind kind, enum iam_repeat *ret_repeat,
                  struct slice *ret_outcome, struct why *reterr_why)
{
	const struct outcome *outcome = find_outcome(r, use->outcome);

	ENSURE(kind != IAM_CALL_ONCE, ERR_DENIED, reterr_why, "the request was seen before, and its nonce with it");
	if (kind == IAM_CALL_SETS) {
		ENSURE(outcome, ERR_DENIED, reterr_why,
		       "the request was seen before and what it answered is not known: sign it again");
		*ret_outcome = outcome->bytes;
		*ret_repeat = IAM_REPEAT_OUTCOME;
		return ERR_OK;
	}
	ENSURE(use->count < IAM_SIGNATURE_USES_MAX, ERR_DENIED, reterr_why,
	       "the signature was used %d times, the most it may be: sign the request again", IAM_SIGNATURE_USES_MAX);
	use->count++;
	*ret_repeat = IAM_REPEAT_RUN;
	return ERR_OK;
}

int iam_repeats_use(struct iam_repeats *r, const struct sigv4 *auth, enum iam_call_kind kind, uint64_t now_ms,
                    enum iam_repeat *ret_repeat, unsigned int *ret_uses, struct slice *ret_outcome,
                    struct why *reterr_why)
{
	uint64_t key[2];
	struct use *use;

	key_of(auth, key);
	use = find(r, r->uses, key);
	if (use->expires_ms) {
		TRY(repeat(r, use, kind, ret_repeat, ret_outcome, reterr_why));
		*ret_uses = use->count;
		return ERR_OK;
	}
	TRY(make_room(r, now_ms, reterr_why));
	use = find(r, r->uses, key);
	*use = (struct use){.key = {key[0], key[1]}, .expires_ms = valid_until(auth), .count = 1};
	r->count++;
	*ret_repeat = IAM_REPEAT_RUN;
	*ret_uses = 1;
	return ERR_OK;
}

int iam_repeats_record(struct iam_repeats *r, const struct sigv4 *auth, struct slice outcome, struct why *reterr_why)
{
	uint64_t key[2];
	struct use *use;
	struct outcome *place;
	uint8_t *copy;

	ENSURE(outcome.len <= IAM_OUTCOME_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "an outcome of %zu bytes; at most %d are recorded", outcome.len, IAM_OUTCOME_BYTES_MAX);
	key_of(auth, key);
	use = find(r, r->uses, key);
	ENSURE(use->expires_ms, ERR_INTERNAL, reterr_why, "an outcome for a signature that was not counted");
	copy = malloc(outcome.len + 1);
	ENSURE(copy, ERR_UNAVAILABLE, reterr_why, "out of memory for an outcome");
	if (outcome.len)
		memcpy(copy, outcome.ptr, outcome.len);
	r->outcomes++;
	place = &r->outcome[r->outcomes % IAM_OUTCOMES_MAX];
	free((void *)(uintptr_t)place->bytes.ptr);
	*place = (struct outcome){r->outcomes, slice_of(copy, outcome.len)};
	use->outcome = r->outcomes;
	return ERR_OK;
}
