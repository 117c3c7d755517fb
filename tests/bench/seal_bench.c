/* seal_bench: seals or opens one file, as `cloister seal` and `cloister open` do, but under a key of zeros and without
 * a server; or does the least that any program of this kind must: a bare loop of read and AEAD with the same threads.
 *
 *     seal-bench seal|open|bare THREADS IN OUT
 *
 * Prints the peak of its own memory. tests/bench/run.py takes the time, from start to end, as of every other program.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/time.h"
#include "bench.h"
#include "crypto/aead.h"
#include "crypto/chunked.h"
#include "seal/seal.h"

enum { RUN_BYTES = SEAL_RUN_CHUNKS * CHUNKED_PLAIN_BYTES };

/* --- the bare loop: each thread reads and seals its share, and throws the result away --- */

struct bare {
	int fd;
	const struct secret *key;
	_Atomic uint64_t next;
	uint64_t total;
};

static void *bare_main(void *arg)
{
	struct bare *b = arg;
	uint8_t *in = malloc(RUN_BYTES), *out = malloc(RUN_BYTES + SEAL_RUN_CHUNKS * AEAD_TAG_BYTES);
	uint8_t nonce[AEAD_NONCE_BYTES] = {0};
	struct aead *aead;
	struct why why;
	uint64_t run;

	bench_must(aead_new(b->key, AEAD_ENGINE_BEST, &aead, &why), &why);
	while ((run = atomic_fetch_add(&b->next, 1)) * RUN_BYTES < b->total) {
		size_t got;

		bench_must(fd_pread_full(b->fd, in, RUN_BYTES, run * RUN_BYTES, &got, &why), &why);
		for (unsigned i = 0; i < SEAL_RUN_CHUNKS; i++) {
			uint64_t chunk = run * SEAL_RUN_CHUNKS + i;

			memcpy(nonce, &chunk, sizeof chunk);
			bench_must(aead_seal(aead, nonce, slice_of(NULL, 0),
			                     slice_of(in + i * CHUNKED_PLAIN_BYTES, CHUNKED_PLAIN_BYTES),
			                     out + i * CHUNKED_SEALED_BYTES, &why),
			           &why);
		}
	}
	aead_free(aead);
	free(in);
	free(out);
	return NULL;
}

static void bare(int fd, const struct secret *key, unsigned threads)
{
	struct bare b = {.fd = fd, .key = key, .total = (uint64_t)lseek(fd, 0, SEEK_END)};
	pthread_t others[SEAL_THREADS_MAX];

	for (unsigned i = 1; i < threads; i++)
		if (pthread_create(&others[i], NULL, bare_main, &b) != 0)
			exit(1);
	bare_main(&b);
	for (unsigned i = 1; i < threads; i++)
		pthread_join(others[i], NULL);
}

/* --- ours --- */

static int give_key(void *self, const struct seal_wrap *wrap, const uint8_t core_hash[static SEAL_HASH_BYTES],
                    struct secret **ret_key, struct why *reterr_why)
{
	struct secret *key = self;
	(void)wrap;
	(void)core_hash;

	return secret_new_from(slice_of(secret_peek(key), secret_len(key)), ret_key, reterr_why);
}

static void seal(int in, int out, const struct secret *key, unsigned threads)
{
	struct seal_options options = {.threads = threads};
	struct seal_totals totals;
	struct seal_wraps *wraps;
	struct seal_core core;
	struct why why;

	bench_must(seal_core_new("application/octet-stream", time_wall_ms(), &core, &why), &why);
	bench_must(seal_wraps_new(&wraps, &why), &why);
	bench_must(seal_wraps_add_kms(wraps, slice_str("arn"), slice_str("ciphertext"), &why), &why);
	bench_must(seal_stream(&core, wraps, key, in, out, &options, &totals, &why), &why);
	seal_wraps_free(wraps);
}

static void unseal(int in, int out, struct secret *key, unsigned threads)
{
	struct seal_key_source source = {.unwrap = give_key, .self = key};
	struct seal_options options = {.threads = threads};
	struct seal_totals totals;
	struct why why;

	bench_must(seal_open_stream(in, out, NULL, &source, &options, &totals, &why), &why);
}

/* Of this program alone: getrusage() would count what it was started from. */
static long peak_kib(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

int main(int argc, char **argv)
{
	unsigned threads = argc == 5 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	struct secret *key;
	struct why why;
	int in, out;

	if (threads < 1 || threads > SEAL_THREADS_MAX) {
		fprintf(stderr, "usage: seal-bench seal|open|bare THREADS IN OUT\n");
		return 2;
	}
	in = open(argv[3], O_RDONLY | O_CLOEXEC);
	out = open(argv[4], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (in < 0 || out < 0) {
		fprintf(stderr, "seal-bench: cannot open %s: %s\n", argv[in < 0 ? 3 : 4], strerror(errno));
		return 1;
	}
	bench_must(secret_new(SEAL_KEY_BYTES, &key, &why), &why);
	if (strcmp(argv[1], "seal") == 0)
		seal(in, out, key, threads);
	else if (strcmp(argv[1], "open") == 0)
		unseal(in, out, key, threads);
	else
		bare(in, key, threads);
	secret_free(key);
	bench_print("peak", "kib", (double)peak_kib());
	return 0;
}
