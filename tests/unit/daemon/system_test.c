/* The shipped tables: who there is, who may talk to whom, and what each may ask of the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/front/workers.h"
#include "daemon/role/role.h"
#include "ipc/channel.h"

static const struct system *const s = &cloister_system;

static void every_role_has_its_own_number_and_name(void **state)
{
	(void)state;
	assert_int_equal(s->role_count, 8);
	for (size_t i = 0; i < s->role_count; i++) {
		const struct role_spec *spec = s->roles[i];

		assert_true(spec->number > ROLE_SUPERVISOR && spec->number < ROLE_NUMBER_MAX);
		assert_ptr_equal(system_role(s, (uint16_t)spec->number), spec);
		assert_ptr_equal(system_role_by_name(s, slice_str(spec->name)), spec);
		assert_string_equal(system_role_name(s, (uint16_t)spec->number), spec->name);
	}
	assert_null(system_role(s, ROLE_SUPERVISOR));
	assert_null(system_role_by_name(s, slice_str("key")));
	assert_string_equal(system_role_name(s, ROLE_SUPERVISOR), "supervisor");
	assert_string_equal(system_role_name(s, 99), "?");
}

static void the_links_are_those_of_the_design(void **state)
{
	static const char *const names[] = {"",      "front",  "keys",  "ledger", "verifier",
	                                    "token", "runner", "watch", "courier"};
	/* Row and column by role number; a link goes both ways. */
	static const char *const linked[] = {
		"---------", "--xx--xxx", "-x-xxxxx-", "-xx---xx-", "--x----x-",
		"--x---xxx", "-xxx-x-x-", "-xxxxxx-x", "-x---x-x-",
	};
	(void)state;

	for (uint16_t one = 1; one <= ROLE_COURIER; one++)
		for (uint16_t other = 1; other <= ROLE_COURIER; other++)
			if (system_has_link(s, one, other) != (linked[one][other] == 'x'))
				fail_msg("%s and %s", names[one], names[other]);
}

static void no_link_is_there_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < s->link_count; i++)
		for (size_t k = i + 1; k < s->link_count; k++)
			assert_false((s->links[i].one == s->links[k].one && s->links[i].other == s->links[k].other) ||
			             (s->links[i].one == s->links[k].other && s->links[i].other == s->links[k].one));
}

static const struct sandbox_syscall *find_syscall(const struct role_spec *spec, const char *name)
{
	for (size_t l = 0; spec->syscalls[l]; l++)
		for (size_t i = 0; i < spec->syscalls[l]->count; i++)
			if (strcmp(spec->syscalls[l]->list[i].name, name) == 0)
				return &spec->syscalls[l]->list[i];
	return NULL;
}

static void nobody_is_given_what_leads_out_of_a_sandbox(void **state)
{
	static const char *const never[] = {
		"execve",
		"execveat",
		"fork",
		"vfork",
		"ptrace",
		"mount",
		"bpf",
		"keyctl",
		"unshare",
		"io_uring_setup",
		"setuid",
		"setresuid",
		"kill",
		"tkill",
		"bind",
		"listen",
		"userfaultfd",
		"perf_event_open",
		"pidfd_getfd",
		"symlink",
		"symlinkat",
		"mknod",
		"mknodat",
		"open_by_handle_at",
		"chroot",
		"capset",
		"pkey_alloc",
		"personality",
		"process_vm_writev",
		"finit_module",
	};
	(void)state;

	for (size_t r = 0; r < s->role_count; r++)
		for (size_t i = 0; i < sizeof never / sizeof *never; i++)
			if (find_syscall(s->roles[r], never[i]))
				fail_msg("%s may call %s", s->roles[r]->name, never[i]);
}

static void only_the_courier_makes_sockets(void **state)
{
	(void)state;
	for (size_t r = 0; r < s->role_count; r++) {
		bool is_courier = s->roles[r]->number == ROLE_COURIER;

		assert_int_equal(find_syscall(s->roles[r], "socket") != NULL, is_courier);
		assert_int_equal(find_syscall(s->roles[r], "connect") != NULL, is_courier);
		assert_int_equal(s->roles[r]->tcp == SANDBOX_TCP_CONNECT, is_courier);
		assert_int_equal(find_syscall(s->roles[r], "accept4") != NULL, s->roles[r]->number == ROLE_FRONT);
	}
}

static void who_has_no_directory_opens_no_file(void **state)
{
	(void)state;
	for (size_t r = 0; r < s->role_count; r++)
		assert_int_equal(find_syscall(s->roles[r], "openat2") != NULL, s->roles[r]->directory != NULL);
}

static void what_could_be_misused_has_a_condition(void **state)
{
	static const char *const conditional[] = {"mmap", "mprotect", "clone", "prctl", "fcntl", "tgkill"};
	(void)state;

	for (size_t r = 0; r < s->role_count; r++) {
		for (size_t i = 0; i < sizeof conditional / sizeof *conditional; i++) {
			const struct sandbox_syscall *found = find_syscall(s->roles[r], conditional[i]);

			assert_non_null(found);
			assert_int_not_equal(found->test, SANDBOX_ALWAYS);
		}
	}
}

static void every_list_is_accepted_by_the_kernel(void **state)
{
	(void)state;
	for (size_t r = 0; r < s->role_count; r++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			struct sandbox_syscalls lists[8];
			size_t count = 0;

			for (; s->roles[r]->syscalls[count]; count++)
				lists[count] = *s->roles[r]->syscalls[count];
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
			_exit(sandbox_seccomp_apply(lists, count, NULL) != ERR_OK);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static void each_worker_has_a_client_for_each_role_it_calls(void **state)
{
	struct control_link link = {ROLE_KEYS, 2};
	struct front_workers *workers;
	int one, other;
	(void)state;

	assert_int_equal(front_workers_new(2, &workers, NULL), ERR_OK);
	assert_non_null(front_workers_client(workers, 0, ROLE_KEYS));
	assert_ptr_not_equal(front_workers_client(workers, 0, ROLE_KEYS), front_workers_client(workers, 1, ROLE_KEYS));
	assert_ptr_not_equal(front_workers_client(workers, 0, ROLE_KEYS), front_workers_client(workers, 0, ROLE_WATCH));
	assert_null(front_workers_client(workers, 2, ROLE_KEYS));
	assert_null(front_workers_client(workers, 0, ROLE_TOKEN));

	assert_int_equal(ipc_channel_pair(&one, &other, NULL), ERR_OK);
	assert_true(front_workers_connect(workers, &link, one));
	link.instance = 0; /* the main loop's */
	assert_false(front_workers_connect(workers, &link, other));
	link.instance = 3;
	assert_false(front_workers_connect(workers, &link, other));
	link = (struct control_link){ROLE_COURIER, 1};
	assert_false(front_workers_connect(workers, &link, other));
	close(other);
	front_workers_free(workers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_role_has_its_own_number_and_name),
		cmocka_unit_test(the_links_are_those_of_the_design),
		cmocka_unit_test(no_link_is_there_twice),
		cmocka_unit_test(nobody_is_given_what_leads_out_of_a_sandbox),
		cmocka_unit_test(only_the_courier_makes_sockets),
		cmocka_unit_test(who_has_no_directory_opens_no_file),
		cmocka_unit_test(what_could_be_misused_has_a_condition),
		cmocka_unit_test(every_list_is_accepted_by_the_kernel),
		cmocka_unit_test(each_worker_has_a_client_for_each_role_it_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
