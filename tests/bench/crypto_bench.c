/* crypto_bench: what the chunked construction costs over its AEAD alone, on each engine and one core.
 *
 *     crypto-bench [MiB]
 *
 * Prints MB/s of a loop of bare AEAD calls over 16 KiB pieces and of chunked runs over the same memory: of processor
 * time, the median of rounds that alternate, so that both meet the same machine. 64 MiB by default, which no cache
 * holds. CLOISTER_AEAD_ENGINE chooses the engine of the chunked runs; the program starts itself once for each. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "crypto/aead.h"
#include "crypto/chunked.h"
#include "crypto/init.h"

enum { ROUNDS = 15 };

struct bench {
	struct aead *aead;
	struct chunked *chunked;
	uint8_t *plain, *sealed;
	size_t len;
};

static double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void bare_seal(struct bench *b)
{
	uint8_t nonce[AEAD_NONCE_BYTES] = {0};
	struct why why;

	for (size_t i = 0; i < b->len / CHUNKED_PLAIN_BYTES; i++) {
		memcpy(nonce, &i, sizeof i);
		bench_must(aead_seal(b->aead, nonce, slice_of(NULL, 0),
		                     slice_of(b->plain + i * CHUNKED_PLAIN_BYTES, CHUNKED_PLAIN_BYTES),
		                     b->sealed + i * CHUNKED_SEALED_BYTES, &why),
		           &why);
	}
}

static void bare_open(struct bench *b)
{
	uint8_t nonce[AEAD_NONCE_BYTES] = {0};
	struct why why;

	for (size_t i = 0; i < b->len / CHUNKED_PLAIN_BYTES; i++) {
		memcpy(nonce, &i, sizeof i);
		bench_must(aead_open(b->aead, nonce, slice_of(NULL, 0),
		                     slice_of(b->sealed + i * CHUNKED_SEALED_BYTES, CHUNKED_SEALED_BYTES),
		                     b->plain + i * CHUNKED_PLAIN_BYTES, &why),
		           &why);
	}
}

static void run_seal(struct bench *b)
{
	struct why why;

	bench_must(chunked_seal_run(b->chunked, 0, slice_of(b->plain, b->len), false, b->sealed, &why), &why);
}

static void run_open(struct bench *b)
{
	struct slice sealed = slice_of(b->sealed, chunked_run_bytes(b->len, false));
	struct why why;
	size_t len;

	bench_must(chunked_open_run(b->chunked, 0, sealed, false, b->plain, &len, &why), &why);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double gb_per_second(void (*work)(struct bench *), struct bench *b)
{
	double start = now_seconds();

	work(b);
	return (double)b->len / (now_seconds() - start) / 1e9;
}

static void measure(struct bench *b)
{
	/* Sealing and opening of one kind alternate, so that what is opened was sealed the same way. */
	double found[4][ROUNDS];
	static const char *const names[] = {"seal", "open"};

	for (int round = 0; round < ROUNDS; round++) {
		found[0][round] = gb_per_second(bare_seal, b);
		found[1][round] = gb_per_second(bare_open, b);
		found[2][round] = gb_per_second(run_seal, b);
		found[3][round] = gb_per_second(run_open, b);
	}
	for (int i = 0; i < 4; i++)
		qsort(found[i], ROUNDS, sizeof(double), by_value);
	for (int i = 0; i < 4; i++) {
		char name[64];

		snprintf(name, sizeof name, "%s_%s_%s", aead_engine_name(), i < 2 ? "aead" : "chunked", names[i % 2]);
		bench_print(name, "mb_s", found[i][ROUNDS / 2] * 1e3);
	}
}

static void bench_engine(size_t len)
{
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(aead_freep) struct aead *aead = NULL;
	CLEANUP(chunked_freep) struct chunked *chunked = NULL;
	struct bench b = {.len = len};
	uint8_t head[CHUNKED_HEAD_BYTES];
	struct why why;

	bench_must(crypto_open(&why), &why);
	bench_must(secret_new_random(AEAD_KEY_BYTES, &key, &why), &why);
	bench_must(aead_new(key, AEAD_ENGINE_BEST, &aead, &why), &why);
	bench_must(chunked_seal_new(key, slice_str("bench"), head, &chunked, &why), &why);
	b.aead = aead;
	b.chunked = chunked;
	b.plain = calloc(1, len);
	b.sealed = calloc(1, chunked_run_bytes(len, true));
	if (!b.plain || !b.sealed)
		exit(1);
	measure(&b);
	free(b.plain);
	free(b.sealed);
}

int main(int argc, char **argv)
{
	static const char *const engines[] = {"openssl", "ipsec-mb"};
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
	int status = 0;

	if (mib < 1 || mib > 4096)
		return 2;
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			setenv("CLOISTER_AEAD_ENGINE", engines[i], 1);
			bench_engine(mib << 20);
			exit(0);
		}
		waitpid(pid, &status, 0);
	}
	return 0;
}
