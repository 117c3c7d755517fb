#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/secret.h"
#include "lib/scratch.h"

static struct secret *new_secret(size_t len)
{
	struct secret *s = NULL;

	assert_int_equal(secret_new(len, &s, NULL), ERR_OK);
	return s;
}

static void a_new_secret_is_zero_and_a_freed_one_is_counted_no_more(void **state)
{
	struct secret *s = new_secret(32);
	(void)state;

	assert_int_equal(secret_count(), 1);
	assert_int_equal(secret_len(s), 32);
	for (size_t i = 0; i < 32; i++)
		assert_int_equal(secret_peek(s)[i], 0);
	secret_freep(&s);
	assert_null(s);
	secret_free(NULL);
	assert_int_equal(secret_count(), 0);
}

static void a_freed_secret_is_wiped_where_it_was(void **state)
{
	struct secret *s = new_secret(32);
	const uint8_t *was = secret_peek(s);
	(void)state;

	memset(secret_bytes(s), 0xa5, 32);
	secret_free(s);
	for (size_t i = 0; i < 32; i++) /* the arena is still mapped */
		assert_int_equal(was[i], 0);
}

static void secrets_hold_what_they_are_given(void **state)
{
	CLEANUP(secret_freep) struct secret *a = NULL, *b = NULL, *c = NULL;
	static const uint8_t zero[32];
	(void)state;

	assert_int_equal(secret_new_from(slice_str("hunter2"), &a, NULL), ERR_OK);
	assert_int_equal(secret_new_from(slice_str("hunter2"), &b, NULL), ERR_OK);
	assert_true(secret_equal(a, b));
	secret_bytes(b)[6] ^= 1;
	assert_false(secret_equal(a, b));
	secret_shrink(b, 6);
	assert_false(secret_equal(a, b));
	assert_int_equal(secret_new_random(32, &c, NULL), ERR_OK);
	assert_false(bytes_equal_ct(secret_peek(c), zero, 32));
	secret_free(c);
	assert_int_equal(secret_new_from(slice_of(NULL, 0), &c, NULL), ERR_OK);
	assert_int_equal(secret_len(c), 0);
}

static void shrinking_wipes_the_rest_and_guards_the_new_end(void **state)
{
	CLEANUP(secret_freep) struct secret *s = new_secret(90);
	(void)state;

	memset(secret_bytes(s), 0xa5, 90);
	secret_shrink(s, 100);
	assert_int_equal(secret_len(s), 90);
	secret_shrink(s, 40);
	assert_int_equal(secret_len(s), 40);
	assert_int_equal(secret_peek(s)[39], 0xa5);
	for (size_t i = 40 + 8; i < 90; i++) /* behind the canary */
		assert_int_equal(secret_peek(s)[i], 0);
}

/* --- the limits --------------------------------------------------------------------------------------------------- */

static void the_largest_secret_fits_and_one_more_byte_does_not(void **state)
{
	CLEANUP(secret_freep) struct secret *s = NULL;
	struct why why;
	(void)state;

	assert_int_equal(secret_new(SECRET_LARGE_BYTES + 1, &s, &why), ERR_LIMIT);
	assert_string_equal(why.text, "a secret of 8065 bytes; at most 8064 are accepted");
	assert_int_equal(secret_new(SIZE_MAX, &s, NULL), ERR_LIMIT);
	assert_null(s);
	assert_int_equal(secret_new(SECRET_LARGE_BYTES, &s, NULL), ERR_OK);
	memset(secret_bytes(s), 0xa5, SECRET_LARGE_BYTES);
}

static void exhaust(size_t len, size_t slots)
{
	struct secret **all = calloc(slots, sizeof *all), *more = NULL;
	struct why why;

	assert_non_null(all);
	for (size_t i = 0; i < slots; i++) {
		all[i] = new_secret(len);
		memset(secret_bytes(all[i]), (int)i, len);
	}
	assert_int_equal(secret_new(len, &more, &why), ERR_LIMIT);
	assert_null(more);
	assert_non_null(strstr(why.text, "are in use"));
	for (size_t i = 0; i < slots; i++) /* none lies over another */
		assert_int_equal(secret_peek(all[i])[0] | secret_peek(all[i])[len - 1], (uint8_t)i);
	secret_free(all[7]);
	all[7] = new_secret(len);
	for (size_t i = 0; i < slots; i++)
		secret_free(all[i]);
	free(all);
	assert_int_equal(secret_count(), 0);
}

static void slots_run_out_at_their_limit_and_come_back(void **state)
{
	(void)state;
	exhaust(SECRET_SMALL_BYTES, SECRET_SMALL_SLOTS);
	exhaust(SECRET_SMALL_BYTES + 1, SECRET_LARGE_SLOTS);
	exhaust(1, SECRET_SMALL_SLOTS);
}

static void *churn(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < 3000; i++) {
		struct secret *s = NULL;

		if (secret_new(i % 200, &s, NULL) != ERR_OK)
			return "no slot";
		memset(secret_bytes(s), (int)i, secret_len(s));
		secret_free(s);
	}
	return NULL;
}

static void threads_share_the_arenas(void **state)
{
	pthread_t threads[8];
	void *complaint;
	(void)state;

	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, NULL), 0);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], &complaint), 0);
		assert_null(complaint);
	}
	assert_int_equal(secret_count(), 0);
}

/* --- what ends the process ---------------------------------------------------------------------------------------- */

static void overrun(void *context)
{
	struct secret *s = new_secret(*(size_t *)context);

	secret_bytes(s)[secret_len(s)] ^= 1;
	secret_free(s);
}

static void one_byte_too_many_ends_the_process(void **state)
{
	size_t lengths[] = {0, 1, 32, SECRET_SMALL_BYTES, SECRET_SMALL_BYTES + 1, SECRET_LARGE_BYTES};
	(void)state;

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
		assert_int_equal(scratch_child(overrun, &lengths[i]), SIGABRT);
}

static void overrun_after_shrinking(void *context)
{
	struct secret *s = new_secret(32);

	(void)context;
	secret_shrink(s, 31);
	secret_bytes(s)[31] ^= 1;
	secret_free(s);
}

static void free_twice(void *context)
{
	struct secret *s = new_secret(32);

	(void)context;
	secret_free(s);
	secret_free(s);
}

static void free_what_was_the_parents(void *context)
{
	secret_free(context);
}

static void misuse_ends_the_process(void **state)
{
	CLEANUP(secret_freep) struct secret *s = new_secret(32);
	(void)state;

	assert_int_equal(scratch_child(overrun_after_shrinking, NULL), SIGABRT);
	assert_int_equal(scratch_child(free_twice, NULL), SIGABRT);
	assert_int_equal(scratch_child(free_what_was_the_parents, s), SIGABRT);
}

/* --- the memory they live in -------------------------------------------------------------------------------------- */

struct mapping {
	uint8_t *from, *to;
	char flags[256];
	char rights[8];
};

/* The mapping of this process that holds `address`, by /proc/self/smaps. */
static struct mapping mapping_of(const void *address)
{
	struct mapping found = {0};
	char line[512];
	FILE *f = fopen("/proc/self/smaps", "re");
	bool is_it = false;

	assert_non_null(f);
	while (!found.flags[0] && fgets(line, sizeof line, f)) {
		uint64_t from, to;
		char rights[8];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, rights) == 3) {
			is_it = from <= (uintptr_t)address && (uintptr_t)address < to;
			if (is_it) {
				found.from = (uint8_t *)(uintptr_t)from;
				found.to = (uint8_t *)(uintptr_t)to;
				memcpy(found.rights, rights, sizeof rights);
			}
		} else if (is_it && strncmp(line, "VmFlags:", 8) == 0) {
			memcpy(found.flags, line, sizeof found.flags - 1);
		}
	}
	fclose(f);
	assert_true(found.flags[0]);
	return found;
}

static void the_arenas_are_locked_undumped_and_wiped_on_fork(void **state)
{
	(void)state;
	for (size_t len = 32; len < 1000; len += 900) {
		CLEANUP(secret_freep) struct secret *s = new_secret(len);
		struct mapping m = mapping_of(secret_peek(s));

		assert_non_null(strstr(m.flags, " dd")); /* MADV_DONTDUMP */
		assert_non_null(strstr(m.flags, " lo")); /* mlock */
		assert_non_null(strstr(m.flags, " wf")); /* MADV_WIPEONFORK */
		assert_string_equal(m.rights, "rw-p");
	}
}

static void touch(void *context)
{
	*(volatile uint8_t *)context = 1;
}

static void guard_pages_stand_on_both_sides(void **state)
{
	(void)state;
	for (size_t len = 32; len < 1000; len += 900) {
		CLEANUP(secret_freep) struct secret *s = new_secret(len);
		struct mapping m = mapping_of(secret_peek(s));

		assert_int_equal(scratch_child(touch, m.from - 1), SIGSEGV);
		assert_int_equal(scratch_child(touch, m.to), SIGSEGV);
		assert_string_equal(mapping_of(m.from - 1).rights, "---p");
		assert_string_equal(mapping_of(m.to).rights, "---p");
	}
}

static void look_for_the_parents_secret(void *context)
{
	const uint8_t *bytes = secret_peek(context);
	struct secret *own = NULL;

	for (size_t i = 0; i < 32; i++)
		if (bytes[i] != 0)
			_exit(1);
	if (secret_count() != 0 || secret_new_random(32, &own, NULL) != ERR_OK)
		_exit(2);
	if (!strstr(mapping_of(secret_peek(own)).flags, " lo"))
		_exit(3);
	secret_free(own);
	exhaust(SECRET_SMALL_BYTES, SECRET_SMALL_SLOTS);
}

static void a_forked_child_finds_nothing_and_can_make_its_own(void **state)
{
	CLEANUP(secret_freep) struct secret *s = NULL;
	(void)state;

	assert_int_equal(secret_new_from(slice_str("0123456789abcdef0123456789abcdef"), &s, NULL), ERR_OK);
	assert_int_equal(scratch_child(look_for_the_parents_secret, s), 0);
	assert_memory_equal(secret_peek(s), "0123456789abcdef0123456789abcdef", 32);
}

/* A process of its own, since the arenas of this one are open: this program, called with an argument. */
static int open_without_memlock(void)
{
	struct rlimit little = {4096, 4096};
	struct secret *s = NULL;
	struct why why = {{0}};

	/* Capabilities lift the limit for root: give them up by giving up root. */
	if (setrlimit(RLIMIT_MEMLOCK, &little) != 0 || (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0))
		return 10;
	if (secret_arenas_open(&why) != ERR_UNAVAILABLE || !strstr(why.text, "memlock"))
		return 11;
	if (secret_new(32, &s, NULL) != ERR_UNAVAILABLE || secret_count() != 0)
		return 12; /* and not, the second time, a secret in memory that is not locked */
	return 0;
}

static void run_without_memlock(void *program)
{
	execl(program, program, "without-memlock", (char *)NULL);
	_exit(99);
}

static char *this_program;

static void without_the_right_to_lock_there_are_no_secrets(void **state)
{
	(void)state;
	assert_int_equal(scratch_child(run_without_memlock, this_program), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_secret_is_zero_and_a_freed_one_is_counted_no_more),
		cmocka_unit_test(a_freed_secret_is_wiped_where_it_was),
		cmocka_unit_test(secrets_hold_what_they_are_given),
		cmocka_unit_test(shrinking_wipes_the_rest_and_guards_the_new_end),
		cmocka_unit_test(the_largest_secret_fits_and_one_more_byte_does_not),
		cmocka_unit_test(slots_run_out_at_their_limit_and_come_back),
		cmocka_unit_test(threads_share_the_arenas),
		cmocka_unit_test(one_byte_too_many_ends_the_process),
		cmocka_unit_test(misuse_ends_the_process),
		cmocka_unit_test(the_arenas_are_locked_undumped_and_wiped_on_fork),
		cmocka_unit_test(guard_pages_stand_on_both_sides),
		cmocka_unit_test(a_forked_child_finds_nothing_and_can_make_its_own),
		cmocka_unit_test(without_the_right_to_lock_there_are_no_secrets),
	};

	this_program = argv[0];
	if (argc > 1 && strcmp(argv[1], "without-memlock") == 0)
		return open_without_memlock();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
