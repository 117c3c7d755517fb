#include "store/commit.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* A caller that waits; it lies on the caller's stack. */
struct job {
	struct job *next;
	struct segment_record *records;
	size_t count;
	commit_check *check;
	void *check_ctx;
	int err;
	struct why why;
	sem_t done;
};

struct committer {
	struct segments *segments;
	struct index *writer;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t came;
	struct job *first, **last;
	size_t waiting;
	bool is_stopping;
};

/* Takes the jobs that go out together. One that has to look first goes alone, so that it sees all before it. */
static struct job *take_batch(struct committer *c)
{
	struct job *batch = c->first, *end = batch;
	size_t records = batch->count;

	while (!batch->check && end->next && !end->next->check &&
	       records + end->next->count <= STORE_COMMIT_QUEUE_MAX) {
		end = end->next;
		records += end->count;
	}
	c->first = end->next;
	if (!c->first)
		c->last = &c->first;
	end->next = NULL;
	return batch;
}

static int apply_all(struct committer *c, const struct segment_record *records, size_t count, struct why *reterr_why)
{
	uint32_t segment, offset;

	for (size_t i = 0; i < count; i++)
		TRY(index_apply(c->writer, &records[i], reterr_why));
	segments_end(c->segments, &segment, &offset);
	return index_commit(c->writer, segment, offset, reterr_why);
}

/* The records are durable; an index that cannot take them is behind, and would let reads miss what was acknowledged. A
 * restart replays them: until then nothing more is written. */
static int index_records(struct committer *c, const struct segment_record *records, size_t count,
                         struct why *reterr_why)
{
	int err;

	TRY(index_begin(c->writer, reterr_why));
	err = apply_all(c, records, count, reterr_why);
	if (err != ERR_OK)
		index_rollback(c->writer);
	return err;
}

static int write_batch(struct committer *c, const struct job *batch, struct segment_record *all, struct why *reterr_why)
{
	size_t count = 0;

	if (batch->check)
		TRY(batch->check(batch->check_ctx, c->writer, reterr_why));
	for (const struct job *j = batch; j; j = j->next) {
		memcpy(all + count, j->records, j->count * sizeof *all);
		count += j->count;
	}
	TRY(segments_write(c->segments, all, count, reterr_why));
	if (index_records(c, all, count, reterr_why) != ERR_OK) {
		segments_refuse_writes(c->segments);
		why_prefix(reterr_why, "the write is durable but cannot be indexed; restart Cloister: ");
		return ERR_UNAVAILABLE;
	}
	return ERR_OK;
}

/* Hands the places of the written records back to their owners, and wakes them and nobody else: who waits for the next
 * batch sleeps on. */
static void finish_batch(struct job *batch, int err, const struct why *why, const struct segment_record *all)
{
	struct job *next;
	size_t at = 0;

	for (struct job *j = batch; j; j = next) {
		next = j->next;
		for (size_t i = 0; i < j->count; i++)
			j->records[i].at = all[at++].at;
		j->err = err;
		if (err != ERR_OK)
			j->why = *why;
		sem_post(&j->done); /* from here on the job may be gone */
	}
}

static void *committer_main(void *arg)
{
	struct committer *c = arg;
	struct segment_record all[STORE_COMMIT_QUEUE_MAX];

	pthread_mutex_lock(&c->lock);
	for (;;) {
		struct why why = {""};
		struct job *batch;
		size_t jobs = 0;
		int err;

		while (!c->first && !c->is_stopping)
			pthread_cond_wait(&c->came, &c->lock);
		if (!c->first)
			break;
		batch = take_batch(c);
		pthread_mutex_unlock(&c->lock);
		err = write_batch(c, batch, all, &why);
		for (const struct job *j = batch; j; j = j->next)
			jobs++;
		pthread_mutex_lock(&c->lock);
		c->waiting -= jobs;
		pthread_mutex_unlock(&c->lock);
		finish_batch(batch, err, &why, all);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

int committer_start(struct segments *segments, struct index *writer, struct committer **ret_committer,
                    struct why *reterr_why)
{
	struct committer *c = calloc(1, sizeof *c);

	ENSURE(c, ERR_UNAVAILABLE, reterr_why, "out of memory for the committer");
	c->segments = segments;
	c->writer = writer;
	c->last = &c->first;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->came, NULL);
	if (pthread_create(&c->thread, NULL, committer_main, c) != 0) {
		free(c);
		why_set(reterr_why, "cannot start the committer's thread");
		return ERR_UNAVAILABLE;
	}
	*ret_committer = c;
	return ERR_OK;
}

void committer_stop(struct committer *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->is_stopping = true;
	pthread_cond_signal(&c->came);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->came);
	free(c);
}

void committer_stopp(struct committer **c)
{
	committer_stop(*c);
	*c = NULL;
}

static int enqueue(struct committer *c, struct job *j, struct why *reterr_why)
{
	ENSURE(!c->is_stopping, ERR_UNAVAILABLE, reterr_why, "the store is stopping");
	ENSURE(c->waiting < STORE_COMMIT_QUEUE_MAX, ERR_LIMIT, reterr_why,
	       "%zu writes wait for the disk already; retry", c->waiting);
	*c->last = j;
	c->last = &j->next;
	c->waiting++;
	pthread_cond_signal(&c->came);
	return ERR_OK;
}

int committer_submit(struct committer *c, struct segment_record *records, size_t count, commit_check *check,
                     void *check_ctx, struct why *reterr_why)
{
	struct job j = {.records = records, .count = count, .check = check, .check_ctx = check_ctx};
	int err;

	ENSURE(count >= 1 && count <= STORE_COMMIT_QUEUE_MAX, ERR_LIMIT, reterr_why,
	       "%zu records at once; 1 to %d are accepted", count, STORE_COMMIT_QUEUE_MAX);
	sem_init(&j.done, 0, 0);
	pthread_mutex_lock(&c->lock);
	err = enqueue(c, &j, reterr_why);
	pthread_mutex_unlock(&c->lock);
	while (err == ERR_OK && sem_wait(&j.done) != 0 && errno == EINTR)
		;
	sem_destroy(&j.done);
	TRY(err);
	if (j.err != ERR_OK && reterr_why)
		*reterr_why = j.why;
	return j.err;
}
