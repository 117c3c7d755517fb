#include "lib/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "lib/scratch.h"

enum mode { OFF, COUNT, FAIL, ONE_BYTE, KILL_BEFORE, KILL_AFTER };

static const char *const kind_names[] = {"memory", "open", "read", "write", "sync", "rename"};

static struct {
	enum mode mode, kill_mode; /* now; of the child that is to be killed */
	enum fault_kind kind;      /* of FAIL */
	int errnum;
	size_t at;   /* which call, from 1 */
	size_t seen; /* calls so far */
	bool fired;
	char trace[4096];
} plan;

/* Blocks of the program under test that are not freed yet: an open-addressing set. Blocks of the C library, which
 * free() also gets to see, are not in it and are let through. */
enum { TRACKED_MAX = 1 << 16 };
static uintptr_t tracked[TRACKED_MAX];
static size_t tracked_count;

static size_t slot_of(uintptr_t block)
{
	size_t i = (block >> 4) * 0x9e3779b97f4a7c15u >> 48;

	while (tracked[i] && tracked[i] != block)
		i = (i + 1) % TRACKED_MAX;
	return i;
}

static void track(void *block)
{
	if (!block)
		return;
	if (tracked_count + 1 >= TRACKED_MAX)
		abort();
	tracked_count++;
	tracked[slot_of((uintptr_t)block)] = (uintptr_t)block;
}

static void untrack(void *block)
{
	size_t i = slot_of((uintptr_t)block);

	if (!block || !tracked[i])
		return;
	tracked_count--;
	tracked[i] = 0;
	/* What stands after it in the same run of slots may have been pushed there by it. */
	for (i = (i + 1) % TRACKED_MAX; tracked[i]; i = (i + 1) % TRACKED_MAX) {
		uintptr_t moved = tracked[i];

		tracked[i] = 0;
		tracked[slot_of(moved)] = moved;
	}
}

static void note(enum fault_kind kind)
{
	size_t len = strlen(plan.trace);

	snprintf(plan.trace + len, sizeof plan.trace - len, "%s%s", len ? " " : "", kind_names[kind]);
}

/* Called before each routed call. True: it must fail, and errno is set. */
static bool must_fail(enum fault_kind kind)
{
	if (plan.mode == COUNT && kind != FAULT_MEMORY)
		note(kind);
	if (plan.mode == KILL_BEFORE && kind != FAULT_MEMORY && ++plan.seen == plan.at)
		kill(getpid(), SIGKILL);
	if (plan.mode != FAIL || plan.kind != kind || ++plan.seen != plan.at)
		return false;
	plan.fired = true;
	errno = plan.errnum;
	return true;
}

/* Called after each routed call but those of memory. */
static void done(void)
{
	int saved = errno;

	if (plan.mode == KILL_AFTER && ++plan.seen == plan.at)
		kill(getpid(), SIGKILL);
	errno = saved;
}

static size_t bounded(size_t len)
{
	return plan.mode == ONE_BYTE && len ? 1 : len;
}

/* --- what the linker routes here: __wrap_NAME for NAME, which is then __real_NAME -------------------------------- */

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the names are the linker's. */
void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *block, size_t len);
void __real_free(void *block);
int __real_open(const char *path, int flags, mode_t mode);
int __real_openat(int dir_fd, const char *path, int flags, mode_t mode);
long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
ssize_t __real_read(int fd, void *bytes, size_t len);
ssize_t __real_pread(int fd, void *bytes, size_t len, off_t offset);
ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __real_pwritev(int fd, const struct iovec *vec, int count, off_t offset);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_rename(const char *from, const char *to);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);

void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *block, size_t len);
void __wrap_free(void *block);
int __wrap_open(const char *path, int flags, mode_t mode);
int __wrap_openat(int dir_fd, const char *path, int flags, mode_t mode);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
ssize_t __wrap_read(int fd, void *bytes, size_t len);
ssize_t __wrap_pread(int fd, void *bytes, size_t len, off_t offset);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *vec, int count, off_t offset);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);

void *__wrap_malloc(size_t len)
{
	void *block = must_fail(FAULT_MEMORY) ? NULL : __real_malloc(len);

	track(block);
	return block;
}

void *__wrap_calloc(size_t count, size_t len)
{
	void *block = must_fail(FAULT_MEMORY) ? NULL : __real_calloc(count, len);

	track(block);
	return block;
}

void *__wrap_realloc(void *block, size_t len)
{
	void *moved;

	if (must_fail(FAULT_MEMORY))
		return NULL;
	untrack(block);
	moved = __real_realloc(block, len);
	track(moved ? moved : block);
	return moved;
}

void __wrap_free(void *block)
{
	untrack(block);
	__real_free(block);
}

#define ROUTED(kind, type, call)          \
	do {                              \
		type result_ = -1;        \
		if (!must_fail(kind))     \
			result_ = (call); \
		done();                   \
		return result_;           \
	} while (0)

/* As to `mode` and the arguments of syscall(): what the caller did not pass is whatever the register held, and the
 * kernel does not look at it. */
int __wrap_open(const char *path, int flags, mode_t mode)
{
	ROUTED(FAULT_OPEN, int, __real_open(path, flags, mode));
}

int __wrap_openat(int dir_fd, const char *path, int flags, mode_t mode)
{
	ROUTED(FAULT_OPEN, int, __real_openat(dir_fd, path, flags, mode));
}

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (number != SYS_openat2)
		return __real_syscall(number, a, b, c, d, e, f);
	ROUTED(FAULT_OPEN, long, __real_syscall(number, a, b, c, d, e, f));
}

ssize_t __wrap_read(int fd, void *bytes, size_t len)
{
	ROUTED(FAULT_READ, ssize_t, __real_read(fd, bytes, bounded(len)));
}

ssize_t __wrap_pread(int fd, void *bytes, size_t len, off_t offset)
{
	ROUTED(FAULT_READ, ssize_t, __real_pread(fd, bytes, bounded(len), offset));
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
	ROUTED(FAULT_WRITE, ssize_t, __real_write(fd, bytes, bounded(len)));
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	ROUTED(FAULT_WRITE, ssize_t, __real_pwrite(fd, bytes, bounded(len), offset));
}

ssize_t __wrap_pwritev(int fd, const struct iovec *vec, int count, off_t offset)
{
	struct iovec one = {vec[0].iov_base, bounded(vec[0].iov_len)};

	ROUTED(FAULT_WRITE, ssize_t,
	       plan.mode == ONE_BYTE ? __real_pwritev(fd, &one, 1, offset) : __real_pwritev(fd, vec, count, offset));
}

int __wrap_fsync(int fd)
{
	ROUTED(FAULT_SYNC, int, __real_fsync(fd));
}

int __wrap_fdatasync(int fd)
{
	ROUTED(FAULT_SYNC, int, __real_fdatasync(fd));
}

int __wrap_rename(const char *from, const char *to)
{
	ROUTED(FAULT_RENAME, int, __real_rename(from, to));
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	ROUTED(FAULT_RENAME, int, __real_renameat(from_fd, from, to_fd, to));
}

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	ROUTED(FAULT_RENAME, int, __real_renameat2(from_fd, from, to_fd, to, flags));
}

/* What the four are called where files may be larger than 2 GiB: one and the same on 64-bit machines. */
_Static_assert(sizeof(off_t) == sizeof(long), "a 64-bit machine");
int __wrap_open64(const char *path, int flags, mode_t mode) __attribute__((alias("__wrap_open")));
int __wrap_openat64(int dir_fd, const char *path, int flags, mode_t mode) __attribute__((alias("__wrap_openat")));
ssize_t __wrap_pread64(int fd, void *bytes, size_t len, off_t offset) __attribute__((alias("__wrap_pread")));
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t len, off_t offset) __attribute__((alias("__wrap_pwrite")));
ssize_t __wrap_pwritev64(int fd, const struct iovec *vec, int count, off_t offset)
	__attribute__((alias("__wrap_pwritev")));
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* --- running scenarios -------------------------------------------------------------------------------------------- */

struct held {
	size_t blocks, fds, secrets;
};

static struct held held_now(void)
{
	return (struct held){tracked_count, scratch_open_fds(), secret_count()};
}

/* One run under the plan, with everything that must hold after any run. */
static int run_once(const struct fault_scenario *s, enum mode mode, const char *what)
{
	struct why why = {{0}};
	struct held before, after;
	int err;

	if (s->prepare)
		s->prepare(s->context);
	before = held_now();
	plan.seen = 0;
	plan.fired = false;
	plan.mode = mode;
	err = s->run(s->context, &why);
	plan.mode = OFF;
	after = held_now();
	if (after.blocks != before.blocks || after.fds != before.fds || after.secrets != before.secrets)
		fail_msg("%s: left over: %zd blocks, %zd descriptors, %zd secrets (%s)", what,
		         (ssize_t)(after.blocks - before.blocks), (ssize_t)(after.fds - before.fds),
		         (ssize_t)(after.secrets - before.secrets), why.text);
	if (err != ERR_OK && !why.text[0])
		fail_msg("%s: failed with %d and did not say why", what, err);
	if (s->check)
		s->check(s->context, err);
	return err;
}

static void run_undisturbed(const struct fault_scenario *s, const char *what)
{
	if (run_once(s, OFF, what) != ERR_OK)
		fail_msg("%s: fails although nothing is in its way", what);
}

size_t fault_each(const struct fault_scenario *s, enum fault_kind kind, int errnum)
{
	char what[128];

	run_undisturbed(s, "undisturbed"); /* what is made once and kept, as the arenas of secrets, is made here */
	for (size_t n = 1;; n++) {
		int err;

		snprintf(what, sizeof what, "%s call %zu failing with \"%s\"", kind_names[kind], n, strerror(errnum));
		plan.kind = kind;
		plan.errnum = errnum;
		plan.at = n;
		err = run_once(s, FAIL, what);
		if (!plan.fired) { /* there is no n-th call: it ran through */
			assert_int_equal(err, ERR_OK);
			return n - 1;
		}
		if (errnum == EINTR && err != ERR_OK)
			fail_msg("%s: not tried again", what);
		if (errnum != EINTR && err == ERR_OK)
			fail_msg("%s: not noticed", what);
		run_undisturbed(s, what);
	}
}

void fault_short_io(const struct fault_scenario *s)
{
	run_undisturbed(s, "undisturbed");
	assert_int_equal(run_once(s, ONE_BYTE, "one byte at a time"), ERR_OK);
}

static void run_in_child(void *scenario)
{
	const struct fault_scenario *s = scenario;
	struct why why;

	plan.mode = plan.kill_mode;
	plan.seen = 0;
	if (s->run(s->context, &why) != ERR_OK)
		_exit(1);
}

static size_t kill_series(const struct fault_scenario *s, enum mode mode)
{
	for (size_t n = 1;; n++) {
		struct fault_scenario copy = *s;
		int ended;

		if (s->prepare)
			s->prepare(s->context);
		plan.kill_mode = mode;
		plan.at = n;
		ended = scratch_child(run_in_child, &copy);
		if (ended == 0)
			return n - 1;
		if (ended != SIGKILL)
			fail_msg("killed at call %zu: the child ended with %d instead", n, ended);
		if (s->check)
			s->check(s->context, ERR_CLOSED);
		run_undisturbed(s, "after a kill");
	}
}

size_t fault_kill_each(const struct fault_scenario *s)
{
	run_undisturbed(s, "undisturbed");
	return kill_series(s, KILL_BEFORE) + kill_series(s, KILL_AFTER);
}

const char *fault_trace(const struct fault_scenario *s)
{
	run_undisturbed(s, "undisturbed");
	plan.trace[0] = 0;
	(void)run_once(s, COUNT, "traced");
	return plan.trace;
}
