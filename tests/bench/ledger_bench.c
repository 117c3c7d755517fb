/* ledger_bench: how fast the ledger makes records durable under a signed checkpoint.
 *
 *     ledger-bench [DIRECTORY [SECONDS [LOOP=NUMBER …]]]
 *
 * LOOP is closed, open or bare, and each is run for so many seconds; without any, all that are worth a look.
 * Closed: N clients, each with one record waiting; a batch is all of them. Open: records arrive at a fixed rate,
 * whether the ledger keeps up or not, and latency counts from arrival. Bare: a plain file that takes the same bytes, N
 * records with one write and one fdatasync each time. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "bench.h"
#include "ledger_fixture.h"

enum { SAMPLES_MAX = 4 << 20, RECORD_BYTES = 800, ACCOUNTS = 16 };

static double samples_ms[SAMPLES_MAX];
static char records[ACCOUNTS][RECORD_BYTES + 64];

static double now_ms(void)
{
	return bench_now_s() * 1e3;
}

/* `done` records in all, for which `calls` times were taken. */
static void report(const char *loop, unsigned parameter, size_t done, size_t calls, double elapsed_ms)
{
	struct bench_samples *samples = calloc(1, sizeof *samples);
	char name[32];

	for (size_t i = 0; samples && i < calls && i < SAMPLES_MAX; i++)
		bench_sample(samples, samples_ms[i]);
	snprintf(name, sizeof name, "%s_%u", loop, parameter);
	bench_print(name, "per_s", (double)done / elapsed_ms * 1e3);
	if (samples)
		bench_print_percentiles(name, &samples, 1);
	free(samples);
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
	report("closed", clients, count, count, end - start);
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
	report("open", per_second, answered, answered, now_ms() - start);
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
		if (count < SAMPLES_MAX)
			samples_ms[count] = end - asked;
	}
	report("bare", batch, count * batch, count, end - start);
	fd_closep(&fd);
	fixture_remove(&f);
}

static int run(const char *directory, const char *what, double run_ms)
{
	const char *number = strchr(what, '=');
	unsigned parameter = number ? (unsigned)strtoul(number + 1, NULL, 10) : 0;

	if (!parameter)
		return 2;
	if (strncmp(what, "closed=", 7) == 0)
		closed_loop(directory, parameter, run_ms);
	else if (strncmp(what, "open=", 5) == 0)
		open_loop(directory, parameter, run_ms);
	else if (strncmp(what, "bare=", 5) == 0)
		bare(directory, parameter, run_ms);
	else
		return 2;
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const all[] = {"closed=1",   "bare=1",     "closed=8",    "closed=64",   "bare=64",
	                                  "closed=256", "bare=256",   "closed=1024", "closed=4096", "open=1000",
	                                  "open=10000", "open=25000", "open=50000",  "open=75000",  "open=100000"};
	const char *directory = argc > 1 ? argv[1] : "/tmp";
	double run_ms = argc > 2 ? strtod(argv[2], NULL) * 1e3 : 3e3;
	int status = 0;

	make_records();
	for (int i = 3; i < argc; i++)
		status |= run(directory, argv[i], run_ms);
	for (size_t i = 0; argc <= 3 && i < sizeof all / sizeof *all; i++)
		status |= run(directory, all[i], run_ms);
	return status;
}
