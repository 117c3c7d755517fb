#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void bench_must(int err, const struct why *why)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "%s\n", why->text);
	exit(1);
}

void bench_print(const char *name, const char *unit, double value)
{
	printf("%s_%s=%.6g\n", name, unit, value);
	fflush(stdout);
}

void bench_sample(struct bench_samples *s, double ms)
{
	if (!s->every)
		s->every = 1;
	if (s->seen++ % s->every)
		return;
	if (s->count == BENCH_SAMPLES) {
		for (size_t i = 0; i < BENCH_SAMPLES / 2; i++)
			s->ms[i] = s->ms[2 * i];
		s->count /= 2;
		s->every *= 2;
	}
	s->ms[s->count++] = ms;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void bench_print_percentiles(const char *name, struct bench_samples *const *threads, size_t count)
{
	size_t total = 0, at = 0;
	double *all;

	for (size_t i = 0; i < count; i++)
		total += threads[i]->count;
	if (!total)
		return;
	all = malloc(total * sizeof *all);
	if (!all)
		exit(1);
	for (size_t i = 0; i < count; at += threads[i++]->count)
		memcpy(all + at, threads[i]->ms, threads[i]->count * sizeof *all);
	qsort(all, total, sizeof *all, by_value);
	bench_print(name, "p50_ms", all[total / 2]);
	bench_print(name, "p99_ms", all[total * 99 / 100]);
	free(all);
}
