/* seal_bench: sealing and opening 1 GiB in memory-backed storage, beside a bare loop of read and AEAD with the same
 * threads, and beside `cp` and `age` where they are installed. One run, ratios in one table. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/time.h"
#include "crypto/aead.h"
#include "crypto/chunked.h"
#include "seal/seal.h"

enum { RUN_BYTES = SEAL_RUN_CHUNKS * CHUNKED_PLAIN_BYTES, ROUNDS = 5 };

static uint64_t total = 1ull << 30;

static void must(int err, const struct why *why)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "seal_bench: %s\n", why->text);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- the bare loop: each thread reads and seals its share, and throws the result away --- */

struct bare {
	int fd;
	const struct secret *key;
	_Atomic uint64_t next;
};

static void *bare_main(void *arg)
{
	struct bare *b = arg;
	uint8_t *in = malloc(RUN_BYTES), *out = malloc(RUN_BYTES + SEAL_RUN_CHUNKS * AEAD_TAG_BYTES);
	uint8_t nonce[AEAD_NONCE_BYTES] = {0};
	struct aead *aead;
	struct why why;
	uint64_t run;

	must(aead_new(b->key, AEAD_ENGINE_BEST, &aead, &why), &why);
	while ((run = atomic_fetch_add(&b->next, 1)) * RUN_BYTES < total) {
		size_t got;

		must(fd_pread_full(b->fd, in, RUN_BYTES, run * RUN_BYTES, &got, &why), &why);
		for (unsigned i = 0; i < SEAL_RUN_CHUNKS; i++) {
			uint64_t chunk = run * SEAL_RUN_CHUNKS + i;

			memcpy(nonce, &chunk, sizeof chunk);
			must(aead_seal(aead, nonce, slice_of(NULL, 0),
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

static double bare_seconds(int fd, const struct secret *key, unsigned threads)
{
	struct bare b = {.fd = fd, .key = key};
	pthread_t others[SEAL_THREADS_MAX];
	uint64_t start = now_ns();

	for (unsigned i = 1; i < threads; i++)
		pthread_create(&others[i], NULL, bare_main, &b);
	bare_main(&b);
	for (unsigned i = 1; i < threads; i++)
		pthread_join(others[i], NULL);
	return (double)(now_ns() - start) / 1e9;
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

static double seal_seconds(int in, int out, const struct secret *key, unsigned threads)
{
	struct seal_options options = {.threads = threads};
	struct seal_totals totals;
	struct seal_wraps *wraps;
	struct seal_core core;
	struct why why;
	uint64_t start = now_ns();

	lseek(in, 0, SEEK_SET);
	must(seal_core_new("application/octet-stream", time_wall_ms(), &core, &why), &why);
	must(seal_wraps_new(&wraps, &why), &why);
	must(seal_wraps_add_kms(wraps, slice_str("arn"), slice_str("ciphertext"), &why), &why);
	must(seal_stream(&core, wraps, key, in, out, &options, &totals, &why), &why);
	seal_wraps_free(wraps);
	return (double)(now_ns() - start) / 1e9;
}

static double open_seconds(int in, int out, struct secret *key, unsigned threads)
{
	struct seal_key_source source = {.unwrap = give_key, .self = key};
	struct seal_options options = {.threads = threads};
	struct seal_totals totals;
	struct why why;
	uint64_t start = now_ns();

	lseek(in, 0, SEEK_SET);
	must(seal_open_stream(in, out, NULL, &source, &options, &totals, &why), &why);
	return (double)(now_ns() - start) / 1e9;
}

/* --- other programs --- */

/* Seconds that a command takes; negative if it cannot be run. */
static double command_seconds(char *const argv[])
{
	uint64_t start = now_ns();
	pid_t child = fork();
	int status;

	if (child == 0) {
		int null_fd = open("/dev/null", O_WRONLY);

		dup2(null_fd, STDERR_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status))
		return -1;
	return (double)(now_ns() - start) / 1e9;
}

static double best(double a, double b)
{
	return a < b || b < 0 ? a : b;
}

static void line(const char *what, double seconds, double reference, const char *of)
{
	if (seconds < 0) {
		printf("%-34s not installed\n", what);
		return;
	}
	printf("%-34s %7.3f s %8.0f MB/s", what, seconds, (double)total / 1e6 / seconds);
	if (reference > 0)
		printf("   %5.2fx the speed of %s", reference / seconds, of);
	printf("\n");
}

static long peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static int scratch(const char *directory, const char *name, char path[static 256])
{
	int fd;

	snprintf(path, 256, "%s/%s", directory, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		fprintf(stderr, "seal_bench: cannot make %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return fd;
}

static void fill(int fd)
{
	uint8_t *piece = malloc(RUN_BYTES);

	for (size_t i = 0; i < RUN_BYTES; i++)
		piece[i] = (uint8_t)(i * 31 ^ i >> 9);
	for (uint64_t done = 0; done < total; done += RUN_BYTES)
		if (write(fd, piece, RUN_BYTES) != RUN_BYTES)
			exit(1);
	free(piece);
}

static void bench_age(const char *directory, const char *plain_path, double seal_to_null)
{
	char identity[256], age_command[1200];
	char *const keygen[] = {"age-keygen", "-o", identity, NULL};
	char *const encrypt[] = {"sh", "-c", age_command, NULL};
	double seconds = -1;

	snprintf(identity, sizeof identity, "%s/seal-bench.age", directory);
	snprintf(age_command, sizeof age_command, "exec age -r $(age-keygen -y %s) -o /dev/null %s", identity,
	         plain_path);
	unlink(identity);
	if (command_seconds(keygen) >= 0)
		for (int i = 0; i < 2; i++)
			seconds = best(command_seconds(encrypt), seconds);
	unlink(identity);
	line("age to /dev/null", seconds, -1, "");
	if (seconds > 0)
		printf("%-34s %5.1fx\n", "our seal is faster than age by", seconds / seal_to_null);
}

int main(int argc, char **argv)
{
	const char *directory = "/dev/shm";
	char plain_path[256], sealed_path[256], copy_path[256];
	double bare = -1, null_seal = -1, file_seal = -1, null_open = -1, file_open = -1, cp = -1;
	unsigned threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	int plain, sealed, out, null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct secret *key;
	struct why why;

	if (argc > 1)
		threads = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		total = strtoull(argv[2], NULL, 10) << 20;
	if (threads < 1 || threads > SEAL_THREADS_MAX || !total) {
		fprintf(stderr, "usage: seal_bench [THREADS [MEBIBYTES]]\n");
		return 2;
	}
	must(secret_new_random(SEAL_KEY_BYTES, &key, &why), &why);
	plain = scratch(directory, "seal-bench.plain", plain_path);
	sealed = scratch(directory, "seal-bench.sealed", sealed_path);
	out = scratch(directory, "seal-bench.copy", copy_path);
	fill(plain);
	printf("%llu MiB, %u threads, AEAD engine %s, best of %d\n", (unsigned long long)(total >> 20), threads,
	       aead_engine_name(), ROUNDS);
	for (int i = 0; i < ROUNDS; i++) {
		char *const copy[] = {"cp", plain_path, copy_path, NULL};

		bare = best(bare_seconds(plain, key, threads), bare);
		null_seal = best(seal_seconds(plain, null_fd, key, threads), null_seal);
		if (ftruncate(sealed, 0) != 0 || lseek(sealed, 0, SEEK_SET) != 0)
			return 1;
		file_seal = best(seal_seconds(plain, sealed, key, threads), file_seal);
		null_open = best(open_seconds(sealed, null_fd, key, threads), null_open);
		if (ftruncate(out, 0) != 0 || lseek(out, 0, SEEK_SET) != 0)
			return 1;
		file_open = best(open_seconds(sealed, out, key, threads), file_open);
		unlink(copy_path); /* cp, like us, writes a new file */
		cp = best(command_seconds(copy), cp);
		close(out);
		unlink(copy_path);
		out = scratch(directory, "seal-bench.copy", copy_path);
	}
	line("bare read + AEAD", bare, -1, "");
	line("seal to /dev/null", null_seal, bare, "the bare loop (wanted: 0.80)");
	line("open to /dev/null", null_open, bare, "the bare loop");
	line("cp to a file", cp, -1, "");
	line("seal to a file", file_seal, cp, "cp (wanted: 0.83)");
	line("open to a file", file_open, cp, "cp");
	printf("%-34s %7.1f MiB\n", "peak memory of this program", (double)peak_kib() / 1024);
	bench_age(directory, plain_path, null_seal);
	unlink(plain_path);
	unlink(sealed_path);
	unlink(copy_path);
	secret_free(key);
	return 0;
}
