/* settler.h: a thread that makes derived files durable, so that appending never waits for them.
 *
 * It takes one job at a time and touches nothing but files. Without a thread the job is done when it is submitted. */
#pragma once
#include <stdbool.h>

#include "audit/tiles.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

struct settler;

/* Where it works; the descriptors are the caller's and must outlive it. */
struct settler_place {
	int dir_fd;     /* holds "mark" */
	int public_fd;  /* holds tiles, bundles and "checkpoint" */
	int history_fd; /* the file "history" */
};
MUST_USE int settler_start(const struct settler_place *place, bool has_thread, struct settler **ret_settler,
                           struct why *reterr_why);

/* Finishes the job in hand and ends the thread. */
void settler_stop(struct settler *s);
void settler_stopp(struct settler **s);

struct settler_job {
	struct buf *mark;        /* replaces "mark", after the history and the files below are durable; or NULL */
	struct tile_path *files; /* tiles and bundles written since the last mark, on the heap; or NULL */
	size_t file_count;
	struct buf *checkpoint; /* replaces the public "checkpoint"; or NULL */
};

void settler_job_drop(struct settler_job *job);

/* Whether it has a job in hand. After a failed one it stays failed: ERR_UNAVAILABLE and the reason. */
MUST_USE int settler_poll(struct settler *s, bool *ret_is_busy, struct why *reterr_why);

/* Hands over a job and what it holds; the thread must not be busy. */
MUST_USE int settler_submit(struct settler *s, const struct settler_job *job, struct why *reterr_why);

/* Waits until it has nothing in hand. */
MUST_USE int settler_wait(struct settler *s, struct why *reterr_why);
