/* commit.h: group commit: one thread writes what many callers wait for.
 *
 * All records that came in while the last batch was being made durable go out with one fdatasync; then the index takes
 * them in one transaction; then the callers go on. What committer_submit() answered with ERR_OK survives power loss and
 * is seen by every read that starts afterwards. */
#pragma once
#include "base/cleanup.h"
#include "base/err.h"
#include "store/index.h"
#include "store/segment.h"

struct committer;

/* Looks at the index just before the records are written, with nothing else in between; an error refuses them. */
typedef int commit_check(void *ctx, struct index *ix, struct why *reterr_why);

/* Starts the thread. `segments` and `writer` stay the caller's and must outlive the committer. */
MUST_USE int committer_start(struct segments *segments, struct index *writer, struct committer **ret_committer,
                             struct why *reterr_why);

/* Finishes what was submitted, then ends the thread. */
void committer_stop(struct committer *c);
void committer_stopp(struct committer **c);

/* Writes the records as one and waits until they are durable and indexed. `check` may be NULL. The errors are those of
 * the check, of segments_write() and of the index; ERR_LIMIT if more than STORE_COMMIT_QUEUE_MAX
 * callers wait. */
MUST_USE int committer_submit(struct committer *c, struct segment_record *records, size_t count, commit_check *check,
                              void *check_ctx, struct why *reterr_why);
