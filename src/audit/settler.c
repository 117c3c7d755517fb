#include "audit/settler.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"

struct settler {
	struct settler_place place;
	bool has_thread;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	/* Under the mutex: */
	struct settler_job job;
	bool is_busy;
	bool is_stopping;
	int err;
	struct why why;
};

void settler_job_drop(struct settler_job *job)
{
	buf_freep(&job->mark);
	buf_freep(&job->checkpoint);
	free_p(&job->files);
	job->file_count = 0;
}

static int sync_one(int dir_fd, const char *name, int flags, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;

	TRY(path_open_beneath(dir_fd, name, O_RDONLY | flags, 0, &fd, reterr_why));
	ENSURE_SYS(fsync(fd) == 0, reterr_why, "cannot make %s durable", name);
	return ERR_OK;
}

/* The folders on the way to a file, but not those that it shares with the file before it: those have been seen to. */
static int sync_folders(int dir_fd, const char *name, const char *before, struct why *reterr_why)
{
	char folder[TILE_PATH_BYTES];

	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - name);

		if (strncmp(name, before, len + 1) == 0)
			continue;
		snprintf(folder, sizeof folder, "%.*s", (int)len, name);
		TRY(sync_one(dir_fd, folder, O_DIRECTORY, reterr_why));
	}
	return ERR_OK;
}

static int compare_paths(const void *a, const void *b)
{
	char x[TILE_PATH_BYTES], y[TILE_PATH_BYTES];

	tile_path_format(a, x);
	tile_path_format(b, y);
	return strcmp(x, y);
}

/* Not syncfs(2): the ledger may share its file system with those who write more. */
static int sync_files(const struct settler *s, const struct settler_job *job, struct why *reterr_why)
{
	char name[TILE_PATH_BYTES], before[TILE_PATH_BYTES] = "";

	if (job->file_count)
		qsort(job->files, job->file_count, sizeof *job->files, compare_paths);
	for (size_t i = 0; i < job->file_count; i++) {
		tile_path_format(&job->files[i], name);
		TRY(sync_one(s->place.public_fd, name, 0, reterr_why));
	}
	for (size_t i = 0; i < job->file_count; i++) {
		tile_path_format(&job->files[i], name);
		TRY(sync_folders(s->place.public_fd, name, before, reterr_why));
		memcpy(before, name, sizeof before);
	}
	TRY(sync_one(s->place.public_fd, ".", O_DIRECTORY, reterr_why));
	ENSURE_SYS(fdatasync(s->place.history_fd) == 0, reterr_why,
	           "cannot make the ledger's file \"history\" durable");
	return ERR_OK;
}

/* The mark says that everything up to it is on the disk, so it is written last. */
static int do_job(const struct settler *s, const struct settler_job *job, struct why *reterr_why)
{
	if (job->mark) {
		TRY(sync_files(s, job, reterr_why));
		TRY(file_replace(s->place.dir_fd, "mark", 0600, buf_slice(job->mark), reterr_why));
	}
	if (job->checkpoint)
		TRY(file_replace(s->place.public_fd, "checkpoint", 0644, buf_slice(job->checkpoint), reterr_why));
	return ERR_OK;
}

/* The job is done: under the mutex. */
static void finish_job(struct settler *s, int err, const struct why *why)
{
	settler_job_drop(&s->job);
	s->is_busy = false;
	if (err != ERR_OK) {
		s->err = err;
		s->why = *why;
	}
	pthread_cond_broadcast(&s->changed);
}

static void *run(void *context)
{
	struct settler *s = context;

	pthread_mutex_lock(&s->mutex);
	for (;;) {
		struct why why = {{0}};
		int err;

		while (!s->is_busy && !s->is_stopping)
			pthread_cond_wait(&s->changed, &s->mutex);
		if (!s->is_busy)
			break;
		pthread_mutex_unlock(&s->mutex);
		err = do_job(s, &s->job, &why); /* nobody else touches the job while it is busy */
		pthread_mutex_lock(&s->mutex);
		finish_job(s, err, &why);
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

/* Signals are the business of whoever runs the ledger. */
static int start_thread(struct settler *s)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

int settler_start(const struct settler_place *place, bool has_thread, struct settler **ret_settler,
                  struct why *reterr_why)
{
	struct settler *s = calloc(1, sizeof *s);
	int err;

	ENSURE(s, ERR_UNAVAILABLE, reterr_why, "out of memory for a thread");
	s->place = *place;
	s->has_thread = has_thread;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->changed, NULL);
	err = has_thread ? start_thread(s) : 0;
	if (err != 0) {
		free(s);
		return why_errno(reterr_why, err, "cannot start the ledger's second thread");
	}
	*ret_settler = s;
	return ERR_OK;
}

void settler_stop(struct settler *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->mutex);
	s->is_stopping = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->mutex);
	if (s->has_thread)
		pthread_join(s->thread, NULL);
	settler_job_drop(&s->job);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

void settler_stopp(struct settler **s)
{
	settler_stop(*s);
	*s = NULL;
}

/* Under the mutex. */
static int state_of(const struct settler *s, struct why *reterr_why)
{
	ENSURE(s->err == ERR_OK, ERR_UNAVAILABLE, reterr_why, "%s; free the disk and restart the ledger", s->why.text);
	return ERR_OK;
}

int settler_poll(struct settler *s, bool *ret_is_busy, struct why *reterr_why)
{
	int err;

	pthread_mutex_lock(&s->mutex);
	err = state_of(s, reterr_why);
	*ret_is_busy = s->is_busy;
	pthread_mutex_unlock(&s->mutex);
	return err;
}

static int do_job_here(struct settler *s, struct why *reterr_why)
{
	struct why why = {{0}};

	finish_job(s, do_job(s, &s->job, &why), &why);
	return state_of(s, reterr_why);
}

int settler_submit(struct settler *s, const struct settler_job *job, struct why *reterr_why)
{
	int err;

	pthread_mutex_lock(&s->mutex);
	err = state_of(s, reterr_why);
	if (err == ERR_OK && s->is_busy) {
		why_set(reterr_why, "two jobs at once for the ledger's second thread");
		err = ERR_INTERNAL;
	}
	if (err == ERR_OK) {
		s->job = *job;
		s->is_busy = true;
		pthread_cond_broadcast(&s->changed);
		if (!s->has_thread)
			err = do_job_here(s, reterr_why);
		job = NULL;
	}
	pthread_mutex_unlock(&s->mutex);
	if (job) {
		struct settler_job refused = *job;

		settler_job_drop(&refused);
	}
	return err;
}

int settler_wait(struct settler *s, struct why *reterr_why)
{
	int err;

	pthread_mutex_lock(&s->mutex);
	while (s->is_busy)
		pthread_cond_wait(&s->changed, &s->mutex);
	err = state_of(s, reterr_why);
	pthread_mutex_unlock(&s->mutex);
	return err;
}
