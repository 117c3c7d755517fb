#include "audit/trust.h"

/* Keeps `times` sorted, the earliest first. */
static void insert_time(uint64_t *times, size_t count, uint64_t time_s)
{
	size_t at = count;

	for (; at > 0 && times[at - 1] > time_s; at--)
		times[at] = times[at - 1];
	times[at] = time_s;
}

static int collect_cosignatures(const struct trust *trust, const struct note *note, uint64_t *times, size_t *ret_count,
                                struct why *reterr_why)
{
	size_t count = 0;

	for (size_t i = 0; i < trust->witness_count; i++) {
		uint64_t time_s = 0;
		int err = note_verify(note, trust->witnesses[i], &time_s, reterr_why);

		if (err == ERR_NOTFOUND)
			continue;
		TRY(err);
		insert_time(times, count++, time_s);
	}
	*ret_count = count;
	return ERR_OK;
}

int trust_checkpoint_open(const struct trust *trust, struct slice bytes, struct merkle_head *ret_head,
                          uint64_t *ret_time_s, struct why *reterr_why)
{
	uint64_t times[TRUST_WITNESSES_MAX];
	struct checkpoint checkpoint;
	struct note note;
	size_t count;

	ENSURE(trust->witness_count <= TRUST_WITNESSES_MAX, ERR_LIMIT, reterr_why,
	       "%zu witnesses; at most %d can be trusted", trust->witness_count, TRUST_WITNESSES_MAX);
	TRY(checkpoint_open(bytes, trust->log, &note, &checkpoint, reterr_why));
	TRY(collect_cosignatures(trust, &note, times, &count, reterr_why));
	ENSURE(count >= trust->quorum, ERR_DENIED, reterr_why,
	       "%zu of the trusted witnesses have cosigned this checkpoint; %zu are needed", count, trust->quorum);
	*ret_head = checkpoint.head;
	*ret_time_s = trust->quorum ? times[trust->quorum - 1] : 0;
	return ERR_OK;
}
