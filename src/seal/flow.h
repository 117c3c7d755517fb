/* flow.h: moving a stream of any length through a transformation of equal pieces, on several threads, in bounded
 * memory.
 *
 * Each thread reads a run and transforms it. Where a descriptor has positions, threads read and write at once (pread,
 * pwrite). Where it has none, runs are read one thread at a time and written in order: a run that is early waits in its
 * place, and whoever finishes the one that is next writes all that are ready. Memory is one run in and two out per
 * thread. Internal to seal/. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/* One end. A run of `run_bytes` lies every `run_bytes`, from `start`; only the last run may be shorter. */
struct flow_end {
	int fd;
	size_t run_bytes;
	bool has_positions;
	uint64_t start; /* where the first run lies, if the end has positions */
};

struct flow {
	struct flow_end in, out;
	uint64_t in_total; /* bytes in all, if `in` has positions */
	unsigned threads;  /* 1 to SEAL_THREADS_MAX; the caller's own is one of them */

	/* Transforms run number `run` from `in` to `out`, which has room for out.run_bytes. `state` is that thread's.
	 */
	int (*transform)(void *state, uint64_t run, struct slice in, bool is_last, uint8_t *out, size_t *ret_len,
	                 struct why *reterr_why);
	void *const *states;
	_Atomic uint64_t *done_bytes; /* if not NULL: input bytes that are through, for a progress bar */
};

/* Finds out whether a descriptor has positions that several threads may use (a regular file that is not opened for
 * appending), and where it stands. Files of /proc, which claim to be empty, have none. */
MUST_USE int flow_end_inspect(int fd, bool is_input, struct flow_end *ret_end, uint64_t *ret_left,
                              struct why *reterr_why);

/* Moves everything. On error the one that lies first in the stream is told; what was written until then stays. Outputs:
 * bytes read and written. */
MUST_USE int flow_move(const struct flow *f, uint64_t *ret_in_bytes, uint64_t *ret_out_bytes, struct why *reterr_why);
