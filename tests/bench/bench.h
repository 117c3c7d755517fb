/* bench.h: what the programs of tests/bench share: a clock, percentiles, and lines "name=value" that
 * tests/bench/run.py reads. The end of a name tells its unit, and so which way is better: per_s, mb_s, ms, kib. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Seconds on the monotonic clock. */
double bench_now_s(void);

/* Ends the program, with the reason, unless `err` is ERR_OK. */
void bench_must(int err, const struct why *why);

/* Prints "NAME=VALUE" at once, so that a reader sees it even if the program is ended later. */
void bench_print(const char *name, const char *unit, double value);

/* How long each of many calls took. Past its size it keeps every second call, then every fourth, and so on, so that
 * what it holds stays spread over the whole run. */
enum { BENCH_SAMPLES = 1 << 16 };
struct bench_samples {
	size_t count;
	uint64_t seen, every;
	double ms[BENCH_SAMPLES];
};
void bench_sample(struct bench_samples *s, double ms);

/* Prints NAME_p50_ms and NAME_p99_ms over the samples of `count` threads, which it sorts. */
void bench_print_percentiles(const char *name, struct bench_samples *const *threads, size_t count);
