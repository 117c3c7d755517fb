#include "cli/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"

enum { SILENT_MS = 1000, BAR_EVERY_MS = 200, LINE_EVERY_MS = 10000, BAR_COLUMNS_MAX = 30, BAR_COLUMNS_MIN = 5 };

struct progress {
	const char *what;
	uint64_t total, began_ms;
	_Atomic uint64_t *done;
	struct terminal to;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool is_over, has_drawn;
};

/* "  45 %  1.2 GiB of 2.6 GiB  310.0 MiB/s  0:05 left" */
static void print_numbers(uint64_t done, uint64_t total, uint64_t elapsed_ms, char *out, size_t size)
{
	char have[TERMINAL_SIZE_BYTES], all[TERMINAL_SIZE_BYTES], rate[TERMINAL_SIZE_BYTES],
		left[TERMINAL_DURATION_BYTES];
	uint64_t per_s = elapsed_ms ? (uint64_t)((double)done * 1000 / (double)elapsed_ms) : 0;

	terminal_size(done, have);
	terminal_size(per_s, rate);
	if (total == PROGRESS_TOTAL_UNKNOWN) {
		snprintf(out, size, "%s  %s/s", have, rate);
		return;
	}
	if (done > total)
		done = total;
	terminal_size(total, all);
	terminal_duration(per_s ? (total - done) / per_s : UINT64_MAX, left);
	snprintf(out, size, "%3u %%  %s of %s  %s/s  %s left",
	         total ? (unsigned)((double)done * 100 / (double)total) : 100, have, all, rate, left);
}

static void print_bar(uint64_t done, uint64_t total, size_t columns, char *out)
{
	size_t filled = total ? (size_t)((double)columns * (double)(done < total ? done : total) / (double)total)
	                      : columns;

	out[0] = '[';
	for (size_t i = 0; i < columns; i++)
		out[1 + i] = i < filled ? '#' : '.';
	out[1 + columns] = ']';
	out[2 + columns] = 0;
}

void progress_line(const char *what, uint64_t done, uint64_t total, uint64_t elapsed_ms, const struct terminal *to,
                   char out[static PROGRESS_LINE_BYTES])
{
	char numbers[128], bar[BAR_COLUMNS_MAX + 3] = "";
	size_t used, room;

	print_numbers(done, total, elapsed_ms, numbers, sizeof numbers);
	if (!to->is_terminal) {
		snprintf(out, PROGRESS_LINE_BYTES, "%.200s: %s", what, numbers);
		return;
	}
	used = terminal_columns(what) + 2 + strlen(numbers) + 2;
	room = to->width > used + 2 ? to->width - used - 2 : 0;
	if (total != PROGRESS_TOTAL_UNKNOWN && room >= BAR_COLUMNS_MIN)
		print_bar(done, total, room < BAR_COLUMNS_MAX ? room : BAR_COLUMNS_MAX, bar);
	snprintf(out, PROGRESS_LINE_BYTES, "%.200s  %s%s%s", what, bar, bar[0] ? "  " : "", numbers);
	out[terminal_fit(out, to->width)] = 0;
}

static void draw(struct progress *p)
{
	char line[PROGRESS_LINE_BYTES];

	progress_line(p->what, *p->done, p->total, time_mono_ms() - p->began_ms, &p->to, line);
	p->has_drawn = true;
	if (p->to.is_terminal)
		fprintf(stderr, "\r\033[K%s", line);
	else
		fprintf(stderr, "%s\n", line);
	fflush(stderr);
}

static struct timespec in_ms(uint64_t ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_nsec -= 1000000000;
		at.tv_sec++;
	}
	return at;
}

/* Before the first byte moved there is nothing to tell, and somebody may be typing a passphrase: the clock starts
 * then. */
static bool is_time_to_draw(struct progress *p)
{
	if (*p->done == 0)
		p->began_ms = time_mono_ms();
	return time_mono_ms() - p->began_ms >= SILENT_MS;
}

static void *watch(void *self)
{
	struct progress *p = self;
	struct timespec until = in_ms(BAR_EVERY_MS);

	pthread_mutex_lock(&p->lock);
	while (!p->is_over) {
		bool is_drawn;

		if (pthread_cond_timedwait(&p->stopped, &p->lock, &until) == 0)
			continue;
		is_drawn = is_time_to_draw(p);
		if (is_drawn)
			draw(p);
		until = in_ms(is_drawn && !p->to.is_terminal ? LINE_EVERY_MS : BAR_EVERY_MS);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

int progress_start(const char *what, uint64_t total, _Atomic uint64_t *done_bytes, const struct terminal *to,
                   struct progress **ret_progress, struct why *reterr_why)
{
	CLEANUP(free_p) struct progress *p = calloc(1, sizeof *p);
	pthread_condattr_t attributes;

	ENSURE(p, ERR_UNAVAILABLE, reterr_why, "out of memory");
	*p = (struct progress){.what = what, .total = total, .began_ms = time_mono_ms(), .done = done_bytes, .to = *to};
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&p->stopped, &attributes);
	pthread_condattr_destroy(&attributes);
	ENSURE(pthread_create(&p->thread, NULL, watch, p) == 0, ERR_UNAVAILABLE, reterr_why,
	       "cannot start another thread");
	*ret_progress = take_ptr(p);
	return ERR_OK;
}

void progress_stop(struct progress *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->is_over = true;
	pthread_cond_signal(&p->stopped);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	if (p->has_drawn && p->to.is_terminal)
		fprintf(stderr, "\r\033[K");
	pthread_cond_destroy(&p->stopped);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void progress_stopp(struct progress **p)
{
	progress_stop(*p);
	*p = NULL;
}
