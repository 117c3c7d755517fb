/* ledger_bench: how fast the ledger makes records durable under a signed checkpoint.
 *
 *     ledger_bench [DIRECTORY [SECONDS]]
 *
 * Closed: N clients, each with one record waiting; a batch is all of them. Open: records arrive at a fixed rate,
 * whether the ledger keeps up or not, and latency counts from arrival. Bare: what the disk does for the same bytes, a
 * write and a fdatasync each time, in the same run. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "ledger_fixture.h"

enum { SAMPLES_MAX = 4 << 20, RECORD_BYTES = 800, ACCOUNTS = 16 };

static double samples_ms[SAMPLES_MAX];
static char records[ACCOUNTS][RECORD_BYTES + 64];

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(const char *what, unsigned parameter, size_t count, double elapsed_ms)
{
	size_t n = count < SAMPLES_MAX ? count : SAMPLES_MAX;

	qsort(samples_ms, n, sizeof *samples_ms, compare);
	printf("%-8s %8u %10.0f %10.3f %10.3f %10.3f %10.3f\n", what, parameter, (double)count / elapsed_ms * 1e3,
	       samples_ms[n / 2], samples_ms[n * 99 / 100], samples_ms[n * 999 / 1000], samples_ms[n - 1]);
	fflush(stdout);
}

/* Records of the usual size, in CloudTrail's shape as far as length goes. */
static void make_records(void)
{
	for (int i = 0; i < ACCOUNTS; i++) {
		char filler[RECORD_BYTES] = {0};

		memset(filler, 'x', RECORD_BYTES - 120);
		snprintf(records[i], sizeof records[i],
		         "{\"eventName\":\"GetObject\",\"eventSource\":\"s3.amazonaws.com\",\"requestID\":\"%016d\","
		         "\"userAgent\":\"%s\"}",
		         i, filler);
	}
}

static void stage(struct fixture *f, unsigned i, struct why *why)
{
	struct ledger_input input = fixture_input(f, records[i % ACCOUNTS]);
	struct ledger_output output;
	char account[16];

	snprintf(account, sizeof account, "%012u", i % ACCOUNTS);
	input.account = slice_str(account);
	fixture_must(ledger_stage(f->ledger, &input, &output, why), why, "stage");
}

static void fresh(struct fixture *f, const char *parent)
{
	struct why why = {{0}};

	fixture_make(f, parent);
	fixture_must(fixture_open(f, LEDGER_CHECK_EDGE, &why), &why, "open");
}

static void closed_loop(const char *parent, unsigned clients, double run_ms)
{
	double start, end;
	struct why why = {{0}};
	struct fixture f;
	size_t count = 0;

	fresh(&f, parent);
	start = now_ms();
	for (end = start; end - start < run_ms;) {
		double asked = now_ms();

		for (unsigned i = 0; i < clients; i++)
			stage(&f, i, &why);
		fixture_must(ledger_commit(f.ledger, &why), &why, "commit");
		end = now_ms();
		for (unsigned i = 0; i < clients; i++, count++)
			if (count < SAMPLES_MAX)
				samples_ms[count] = end - asked;
		fixture_must(ledger_tend(f.ledger, &why), &why, "tend");
	}
	report("closed", clients, count, end - start);
	fixture_remove(&f);
}

static void open_loop(const char *parent, unsigned per_second, double run_ms)
{
	double start, step_ms = 1e3 / per_second;
	size_t asked = 0, answered = 0, total = (size_t)(run_ms / step_ms);
	struct why why = {{0}};
	struct fixture f;

	fresh(&f, parent);
	start = now_ms();
	while (answered < total) {
		double now = now_ms();

		for (; asked < total && start + (double)asked * step_ms <= now && !ledger_is_full(f.ledger); asked++)
			stage(&f, (unsigned)asked, &why);
		if (asked == answered)
			continue;
		fixture_must(ledger_commit(f.ledger, &why), &why, "commit");
		now = now_ms();
		for (; answered < asked; answered++)
			if (answered < SAMPLES_MAX)
				samples_ms[answered] = now - (start + (double)answered * step_ms);
		fixture_must(ledger_tend(f.ledger, &why), &why, "tend");
	}
	report("open", per_second, answered, now_ms() - start);
	fixture_remove(&f);
}

static void bare(const char *parent, unsigned batch, double run_ms)
{
	size_t len = (size_t)batch * (RECORD_BYTES + 400), count = 0;
	CLEANUP(free_p) uint8_t *bytes = calloc(1, len);
	double start, end;
	struct why why = {{0}};
	struct fixture f;
	int fd = -1;

	fixture_make(&f, parent);
	fixture_must(path_open_beneath(f.dir_fd, "bare", O_RDWR | O_CREAT, 0600, &fd, &why), &why, "open");
	start = now_ms();
	for (end = start; end - start < run_ms; count++) {
		double asked = end;

		fixture_must(fd_write_all(fd, slice_of(bytes, len), &why), &why, "write");
		if (fdatasync(fd) != 0)
			abort();
		end = now_ms();
		samples_ms[count] = end - asked;
	}
	report("bare", batch, count, end - start);
	fd_closep(&fd);
	fixture_remove(&f);
}

int main(int argc, char **argv)
{
	static const unsigned clients[] = {1, 8, 64, 256, 1024, 4096},
			      rates[] = {1000, 10000, 25000, 50000, 75000, 100000};
	const char *parent = argc > 1 ? argv[1] : "/tmp";
	double run_ms = argc > 2 ? strtod(argv[2], NULL) * 1e3 : 3e3;

	make_records();
	printf("%-8s %8s %10s %10s %10s %10s %10s\n", "loop", "clients", "per s", "p50 ms", "p99 ms", "p99.9 ms",
	       "max ms");
	for (size_t i = 0; i < sizeof clients / sizeof *clients; i++)
		closed_loop(parent, clients[i], run_ms);
	printf("%-8s %8s\n", "", "rate/s");
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
		open_loop(parent, rates[i], run_ms);
	printf("%-8s %8s   (batches)\n", "", "records");
	bare(parent, 1, run_ms);
	bare(parent, 256, run_ms);
	return 0;
}
