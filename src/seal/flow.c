#include "seal/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"

/* Where a transformed run waits for its turn. Twice as many as threads, so that one slow thread does not stop the
 * others. */
enum { PLACES_PER_THREAD = 2, PLACES_MAX = PLACES_PER_THREAD * SEAL_THREADS_MAX };

struct place {
	uint8_t *bytes;
	size_t in_len, out_len;
	bool is_ready;
};

/* What the threads of one flow share; everything behind the lock. */
struct shared {
	const struct flow *flow;
	pthread_mutex_t lock;
	pthread_mutex_t input; /* held while an input without positions is read, so that runs come in order */
	pthread_cond_t turn;   /* next_out or err changed */
	uint64_t next_in;
	uint64_t next_out;
	bool is_input_over;
	bool is_writing; /* one thread writes what is ready, in order */
	unsigned places_count;
	struct place places[PLACES_MAX];
	uint64_t in_bytes, out_bytes;
	int err;
	uint64_t err_run;
	struct why why;
};

struct worker {
	struct shared *shared;
	void *state;
	uint8_t *in;
	unsigned index;
	pthread_t thread;
	bool is_started;
};

struct run {
	uint64_t number;
	size_t in_len, out_len;
	bool is_last;
};

int flow_end_inspect(int fd, bool is_input, struct flow_end *ret_end, uint64_t *ret_left, struct why *reterr_why)
{
	struct flow_end end = {.fd = fd};
	uint64_t left = 0;
	struct stat st;
	int flags;

	ENSURE_SYS(fstat(fd, &st) == 0, reterr_why, "cannot stat the %s", is_input ? "input" : "output");
	flags = fcntl(fd, F_GETFL);
	ENSURE_SYS(flags >= 0, reterr_why, "cannot ask how the %s is open", is_input ? "input" : "output");
	if (S_ISREG(st.st_mode) && (is_input ? st.st_size > 0 : !(flags & O_APPEND))) {
		off_t at = lseek(fd, 0, SEEK_CUR);

		ENSURE_SYS(at >= 0, reterr_why, "cannot tell the position in the %s", is_input ? "input" : "output");
		end.has_positions = true;
		end.start = (uint64_t)at;
		left = st.st_size > at ? (uint64_t)(st.st_size - at) : 0;
	}
	*ret_end = end;
	*ret_left = left;
	return ERR_OK;
}

/* The error that lies first in the stream counts: runs before it are taken already and will still be tried. */
static void fail(struct shared *s, uint64_t run, int err, const struct why *why)
{
	pthread_mutex_lock(&s->lock);
	if (s->err == ERR_OK || run < s->err_run) {
		s->err = err;
		s->err_run = run;
		s->why = *why;
	}
	pthread_cond_broadcast(&s->turn);
	pthread_mutex_unlock(&s->lock);
}

/* Takes the next run's number and reads it. *ret_has_run is false when there are no more. */
static int take_positioned(struct worker *w, struct run *ret_run, bool *ret_has_run, struct why *reterr_why)
{
	struct shared *s = w->shared;
	const struct flow *f = s->flow;
	uint64_t last = f->in_total / f->in.run_bytes, offset;
	size_t want, got;

	pthread_mutex_lock(&s->lock);
	*ret_has_run = s->err == ERR_OK && s->next_in <= last;
	ret_run->number = s->next_in;
	if (*ret_has_run)
		s->next_in++;
	pthread_mutex_unlock(&s->lock);
	if (!*ret_has_run)
		return ERR_OK;
	offset = ret_run->number * f->in.run_bytes;
	ret_run->is_last = ret_run->number == last;
	want = ret_run->is_last ? (size_t)(f->in_total - offset) : f->in.run_bytes;
	TRY(fd_pread_full(f->in.fd, w->in, want, f->in.start + offset, &got, reterr_why));
	ENSURE(got == want, ERR_CONFLICT, reterr_why, "the input became shorter while it was being read");
	ret_run->in_len = want;
	return ERR_OK;
}

/* As above for a pipe, a socket or a terminal. A run that comes up short is the last. */
static int take_in_order(struct worker *w, struct run *ret_run, bool *ret_has_run, struct why *reterr_why)
{
	struct shared *s = w->shared;
	int err = ERR_OK;

	pthread_mutex_lock(&s->input);
	pthread_mutex_lock(&s->lock);
	*ret_has_run = s->err == ERR_OK && !s->is_input_over;
	pthread_mutex_unlock(&s->lock);
	if (*ret_has_run) {
		ret_run->number = s->next_in++;
		err = fd_read_full(s->flow->in.fd, w->in, s->flow->in.run_bytes, &ret_run->in_len, reterr_why);
		ret_run->is_last = ret_run->in_len < s->flow->in.run_bytes;
	}
	if (*ret_has_run && (err != ERR_OK || ret_run->is_last)) {
		pthread_mutex_lock(&s->lock);
		s->is_input_over = true;
		pthread_mutex_unlock(&s->lock);
	}
	pthread_mutex_unlock(&s->input);
	return err;
}

static void count_done(struct shared *s, size_t in_len, size_t out_len)
{
	s->in_bytes += in_len;
	s->out_bytes += out_len;
	if (s->flow->done_bytes)
		atomic_fetch_add_explicit(s->flow->done_bytes, in_len, memory_order_relaxed);
}

/* Positions: written at once, from the thread's own place. */
static int finish_at_position(struct worker *w, const struct run *r, struct why *reterr_why)
{
	struct shared *s = w->shared;
	const struct flow_end *out = &s->flow->out;
	struct slice bytes = slice_of(s->places[w->index].bytes, r->out_len);

	TRY(fd_pwrite_all(out->fd, bytes, out->start + r->number * out->run_bytes, reterr_why));
	pthread_mutex_lock(&s->lock);
	count_done(s, r->in_len, r->out_len);
	pthread_mutex_unlock(&s->lock);
	return ERR_OK;
}

/* Waits until the place of this run is free. *ret_is_mine is false when a run before this one failed. The first run
 * that is not written yet never waits here, so that there is always progress. */
static void await_place(struct shared *s, uint64_t run, bool *ret_is_mine)
{
	pthread_mutex_lock(&s->lock);
	while (run - s->next_out >= s->places_count && !(s->err != ERR_OK && s->err_run < run))
		pthread_cond_wait(&s->turn, &s->lock);
	*ret_is_mine = run - s->next_out < s->places_count;
	pthread_mutex_unlock(&s->lock);
}

/* Nothing is written past a failure. */
static bool may_write(const struct shared *s)
{
	return s->err == ERR_OK || s->next_out < s->err_run;
}

/* Marks the run as ready and, unless another thread is at it, writes all that is ready in order. */
static void finish_in_order(struct shared *s, const struct run *r)
{
	struct place *place = &s->places[r->number % s->places_count];

	pthread_mutex_lock(&s->lock);
	place->in_len = r->in_len;
	place->out_len = r->out_len;
	place->is_ready = true;
	place = &s->places[s->next_out % s->places_count];
	while (!s->is_writing && place->is_ready && may_write(s)) {
		uint64_t run = s->next_out;
		struct why why = {{0}};
		int err;

		s->is_writing = true;
		pthread_mutex_unlock(&s->lock);
		err = fd_write_all(s->flow->out.fd, slice_of(place->bytes, place->out_len), &why);
		if (err != ERR_OK)
			fail(s, run, err, &why);
		pthread_mutex_lock(&s->lock);
		s->is_writing = false;
		if (err != ERR_OK)
			break;
		place->is_ready = false;
		count_done(s, place->in_len, place->out_len);
		s->next_out++;
		place = &s->places[s->next_out % s->places_count];
		pthread_cond_broadcast(&s->turn);
	}
	pthread_mutex_unlock(&s->lock);
}

static int take_run(struct worker *w, struct run *r, bool *ret_has_run, struct why *reterr_why)
{
	return w->shared->flow->in.has_positions ? take_positioned(w, r, ret_has_run, reterr_why)
	                                         : take_in_order(w, r, ret_has_run, reterr_why);
}

static int carry_run(struct worker *w, struct run *r, bool *ret_has_run, struct why *reterr_why)
{
	struct shared *s = w->shared;
	const struct flow *f = s->flow;
	struct place *place = &s->places[w->index];

	TRY(take_run(w, r, ret_has_run, reterr_why));
	if (*ret_has_run && !f->out.has_positions) {
		place = &s->places[r->number % s->places_count];
		await_place(s, r->number, ret_has_run);
	}
	if (!*ret_has_run)
		return ERR_OK;
	TRY(f->transform(w->state, r->number, slice_of(w->in, r->in_len), r->is_last, place->bytes, &r->out_len,
	                 reterr_why));
	if (f->out.has_positions)
		return finish_at_position(w, r, reterr_why);
	finish_in_order(s, r);
	return ERR_OK;
}

static void *work(void *worker)
{
	struct worker *w = worker;
	bool has_run = true;

	while (has_run) {
		struct run r = {0};
		struct why why = {{0}};
		int err = carry_run(w, &r, &has_run, &why);

		if (err != ERR_OK) {
			fail(w->shared, r.number, err, &why);
			break;
		}
	}
	return NULL;
}

static void wipe_and_free(uint8_t *bytes, size_t len)
{
	if (bytes)
		explicit_bzero(bytes, len);
	free(bytes);
}

/* On one side or the other the bytes are in clear: all are wiped. */
static void buffers_free(struct worker *workers, unsigned count, struct shared *s)
{
	for (unsigned i = 0; i < count; i++)
		wipe_and_free(workers[i].in, s->flow->in.run_bytes);
	for (unsigned i = 0; i < s->places_count; i++)
		wipe_and_free(s->places[i].bytes, s->flow->out.run_bytes);
}

static int buffers_make(struct worker *workers, unsigned count, struct shared *s, struct why *reterr_why)
{
	const struct flow *f = s->flow;

	s->places_count = f->out.has_positions || count == 1 ? count : PLACES_PER_THREAD * count;
	for (unsigned i = 0; i < count; i++) {
		workers[i].shared = s;
		workers[i].index = i;
		workers[i].state = f->states[i];
		workers[i].in = calloc(1, f->in.run_bytes);
		ENSURE(workers[i].in, ERR_UNAVAILABLE, reterr_why, "out of memory for %zu bytes", f->in.run_bytes);
	}
	for (unsigned i = 0; i < s->places_count; i++) {
		s->places[i].bytes = calloc(1, f->out.run_bytes);
		ENSURE(s->places[i].bytes, ERR_UNAVAILABLE, reterr_why, "out of memory for %zu bytes",
		       f->out.run_bytes);
	}
	return ERR_OK;
}

/* A thread that cannot be started is done without: the caller's own does all the work if need be. */
static void workers_run(struct worker *workers, unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		workers[i].is_started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
	work(&workers[0]);
	for (unsigned i = 1; i < count; i++)
		if (workers[i].is_started)
			pthread_join(workers[i].thread, NULL);
}

int flow_move(const struct flow *f, uint64_t *ret_in_bytes, uint64_t *ret_out_bytes, struct why *reterr_why)
{
	struct worker workers[SEAL_THREADS_MAX] = {0};
	struct shared s = {
		.flow = f,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.input = PTHREAD_MUTEX_INITIALIZER,
		.turn = PTHREAD_COND_INITIALIZER,
	};
	unsigned count = f->threads;
	int err;

	ENSURE(count >= 1 && count <= SEAL_THREADS_MAX, ERR_INVALID, reterr_why, "%u threads; 1 to %d are accepted",
	       count, SEAL_THREADS_MAX);
	if (f->in.has_positions && f->in_total / f->in.run_bytes + 1 < count)
		count = (unsigned)(f->in_total / f->in.run_bytes + 1);
	err = buffers_make(workers, count, &s, reterr_why);
	if (err == ERR_OK)
		workers_run(workers, count);
	buffers_free(workers, count, &s);
	TRY(err);
	if (s.err != ERR_OK) {
		if (reterr_why)
			*reterr_why = s.why;
		return s.err;
	}
	*ret_in_bytes = s.in_bytes;
	*ret_out_bytes = s.out_bytes;
	return ERR_OK;
}
