#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "lib/scratch.h"

/* scratch/ holds outside (a file) and in/, the directory that may not be left. */
struct place {
	int top, in;
};

static int set_up(void **state)
{
	static struct place p;
	int fd;

	p.top = scratch_open();
	assert_int_equal(path_open_beneath(p.top, "outside", O_WRONLY | O_CREAT, 0600, &fd, NULL), ERR_OK);
	close(fd);
	assert_int_equal(path_mkdir_beneath(p.top, "in", 0700, &p.in, NULL), ERR_OK);
	*state = &p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	close(p->in);
	scratch_close(p->top);
	return 0;
}

static void make_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static int try_open(int dir_fd, const char *name, struct why *why)
{
	CLEANUP(fd_closep) int fd = -1;

	return path_open_beneath(dir_fd, name, O_RDONLY, 0, &fd, why);
}

static void files_beneath_are_opened_close_on_exec(void **state)
{
	struct place *p = *state;
	CLEANUP(fd_closep) int fd = -1;
	struct stat st;

	assert_int_equal(mkdirat(p->in, "a", 0700), 0);
	assert_int_equal(path_open_beneath(p->in, "a/f", O_WRONLY | O_CREAT | O_EXCL, 0640, &fd, NULL), ERR_OK);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(try_open(p->in, "a/../a/f", NULL), ERR_OK); /* does not leave, and need not be refused */
	assert_int_equal(path_open_beneath(p->in, "a/f", O_WRONLY | O_CREAT | O_EXCL, 0640, &fd, NULL), ERR_CONFLICT);
}

static void nothing_leads_out(void **state)
{
	struct place *p = *state;
	struct why why;

	assert_int_equal(try_open(p->in, "../outside", &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "../outside leaves its directory"));
	assert_int_equal(try_open(p->in, "..", NULL), ERR_INVALID);
	assert_int_equal(try_open(p->in, "/etc/passwd", NULL), ERR_INVALID);
	assert_int_equal(mkdirat(p->in, "a", 0700), 0);
	assert_int_equal(try_open(p->in, "a/../../outside", NULL), ERR_INVALID);
}

static void links_are_not_followed_not_even_inside(void **state)
{
	struct place *p = *state;

	make_file(p->in, "f");
	assert_int_equal(mkdirat(p->in, "d", 0700), 0);
	make_file(p->in, "d/f");
	assert_int_equal(symlinkat("../outside", p->in, "out"), 0);
	assert_int_equal(symlinkat("f", p->in, "inside"), 0);
	assert_int_equal(symlinkat("d", p->in, "dir"), 0);
	assert_int_equal(try_open(p->in, "out", NULL), ERR_INVALID);
	assert_int_equal(try_open(p->in, "inside", NULL), ERR_INVALID);
	assert_int_equal(try_open(p->in, "dir/f", NULL), ERR_INVALID);
	assert_int_equal(try_open(p->in, "d/f", NULL), ERR_OK);
}

static void refusals_have_the_code_of_their_reason(void **state)
{
	struct place *p = *state;
	char longer[PATH_BYTES_MAX + 1];
	struct why why;

	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	make_file(p->in, "f");
	assert_int_equal(try_open(p->in, "nothing", &why), ERR_NOTFOUND);
	assert_string_equal(why.text, "cannot open nothing: No such file or directory");
	assert_int_equal(try_open(p->in, "", NULL), ERR_NOTFOUND);
	assert_int_equal(try_open(p->in, "f/g", NULL), ERR_CONFLICT);
	assert_int_equal(try_open(p->in, longer, NULL), ERR_LIMIT);
	assert_int_equal(try_open(-1, "f", NULL), ERR_UNAVAILABLE);
}

struct swapping {
	int dir_fd;
	atomic_bool stop;
};

/* Turns "x" into a link that leads out and back again, as fast as it can. */
static void *swap_with_a_link(void *context)
{
	struct swapping *s = context;

	while (!atomic_load(&s->stop)) {
		renameat2(s->dir_fd, "x", s->dir_fd, "link", RENAME_EXCHANGE);
		sched_yield();
	}
	return NULL;
}

static void a_race_with_a_link_never_leads_out(void **state)
{
	struct place *p = *state;
	struct swapping s = {.dir_fd = p->in};
	struct stat outside, got;
	unsigned opened = 0, refused = 0;
	pthread_t thread;

	assert_int_equal(mkdirat(p->in, "x", 0700), 0);
	make_file(p->in, "x/outside");
	assert_int_equal(symlinkat("..", p->in, "link"), 0);
	assert_int_equal(fstatat(p->top, "outside", &outside, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, swap_with_a_link, &s), 0);
	for (int i = 0; i < 200000 && (i < 2000 || !opened || !refused); i++) {
		CLEANUP(fd_closep) int fd = -1;
		int err = path_open_beneath(p->in, "x/outside", O_RDONLY, 0, &fd, NULL);

		if (err == ERR_OK) {
			opened++;
			assert_int_equal(fstat(fd, &got), 0);
			assert_true(got.st_ino != outside.st_ino);
		} else {
			refused++;
			assert_int_equal(err, ERR_INVALID);
		}
	}
	atomic_store(&s.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(opened > 0);
	assert_true(refused > 0); /* or nothing was raced with */
}

static void one_open_is_not_tried_for_ever(void **state)
{
	struct place *p = *state;
	CLEANUP(fd_closep) int leased = -1, fd = -1;

	/* Who holds a lease makes a non-blocking open fail with EAGAIN, which is also what a rename under way does:
	 * after PATH_OPEN_TRIES of them we give up. */
	make_file(p->in, "f");
	signal(SIGIO, SIG_IGN);
	leased = openat(p->in, "f", O_RDWR | O_CLOEXEC);
	assert_int_equal(fcntl(leased, F_SETLEASE, F_WRLCK), 0);
	assert_int_equal(path_open_beneath(p->in, "f", O_RDONLY | O_NONBLOCK, 0, &fd, NULL), ERR_UNAVAILABLE);
}

static void the_parent_is_opened_and_the_name_is_an_entry(void **state)
{
	static const char *const none[] = {"", ".", "..", "a/", "a/.", "a/..", "/"};
	struct place *p = *state;
	CLEANUP(fd_closep) int parent = -1;
	const char *name = NULL;
	char longer[PATH_BYTES_MAX + 8];

	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_int_equal(path_open_parent(p->in, none[i], &parent, &name, NULL), ERR_INVALID);
	assert_int_equal(path_open_parent(p->in, "../x", &parent, &name, NULL), ERR_INVALID);
	assert_int_equal(path_open_parent(p->in, "/x", &parent, &name, NULL), ERR_INVALID);
	assert_int_equal(path_open_parent(p->in, "a/x", &parent, &name, NULL), ERR_NOTFOUND);
	memset(longer, '/', sizeof longer - 2);
	memcpy(longer + sizeof longer - 2, "x", 2);
	assert_int_equal(path_open_parent(p->in, longer, &parent, &name, NULL), ERR_LIMIT);
	assert_null(name);
	assert_int_equal(parent, -1);
	assert_int_equal(mkdirat(p->in, "a", 0700), 0);
	assert_int_equal(path_open_parent(p->in, "a/x", &parent, &name, NULL), ERR_OK);
	assert_string_equal(name, "x");
	make_file(parent, name);
	assert_int_equal(try_open(p->in, "a/x", NULL), ERR_OK);
}

static void directories_are_made_where_they_belong(void **state)
{
	struct place *p = *state;
	CLEANUP(fd_closep) int a = -1, b = -1, again = -1, none = -1;
	struct stat st;

	assert_int_equal(path_mkdir_beneath(p->in, "a", 0700, &a, NULL), ERR_OK);
	assert_int_equal(path_mkdir_beneath(p->in, "a/b", 0750, &b, NULL), ERR_OK);
	assert_int_equal(fstatat(a, "b", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_int_equal(path_mkdir_beneath(p->in, "a/b", 0700, &again, NULL), ERR_OK);

	assert_int_equal(path_mkdir_beneath(p->in, "../evil", 0700, &none, NULL), ERR_INVALID);
	assert_int_equal(symlinkat("..", p->in, "link"), 0);
	assert_int_equal(path_mkdir_beneath(p->in, "link/evil", 0700, &none, NULL), ERR_INVALID);
	assert_int_equal(path_mkdir_beneath(p->in, "link", 0700, &none, NULL), ERR_INVALID);
	assert_int_equal(faccessat(p->top, "evil", F_OK, 0), -1); /* refused before it was made, not after */
	assert_int_equal(path_mkdir_beneath(p->in, "c/d", 0700, &none, NULL), ERR_NOTFOUND);
	make_file(p->in, "f");
	assert_int_equal(path_mkdir_beneath(p->in, "f", 0700, &none, NULL), ERR_CONFLICT);
	assert_int_equal(none, -1);
}

static void a_directory_that_others_may_write_is_refused(void **state)
{
	struct place *p = *state;
	CLEANUP(fd_closep) int fd = -1;
	struct why why;

	assert_int_equal(mkdirat(p->in, "a", 0700), 0);
	assert_int_equal(fchmodat(p->in, "a", 0770, 0), 0);
	assert_int_equal(path_mkdir_beneath(p->in, "a", 0700, &fd, &why), ERR_DENIED);
	assert_string_equal(why.text, "a can be written by other users (mode 770); chmod it to 700");
	assert_int_equal(fchmodat(p->in, "a", 0707, 0), 0);
	assert_int_equal(path_mkdir_beneath(p->in, "a", 0700, &fd, NULL), ERR_DENIED);
}

static int mkdir_in_scratch(const char *rest, mode_t mode, struct stat *st)
{
	CLEANUP(fd_closep) int fd = -1;
	char path[2 * PATH_BYTES_MAX];
	int err;

	snprintf(path, sizeof path, "%s/%s", scratch_path(), rest);
	err = path_mkdir_given(path, mode, &fd, NULL);
	if (err == ERR_OK)
		assert_int_equal(fstat(fd, st), 0);
	return err;
}

static void a_given_path_is_made_with_its_parents(void **state)
{
	struct place *p = *state;
	CLEANUP(fd_closep) int fd = -1;
	char longer[PATH_BYTES_MAX + 1];
	struct stat st;

	assert_int_equal(mkdir_in_scratch("x/y/z", 0700, &st), ERR_OK);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(fstatat(p->top, "x/y", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(mkdir_in_scratch("x//y/w///", 0700, &st), ERR_OK); /* slashes do not cost it its mode */
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(mkdir_in_scratch("x/y", 0700, &st), ERR_OK);
	assert_int_equal(mkdir_in_scratch("outside/x", 0700, &st), ERR_CONFLICT);
	assert_int_equal(mkdir_in_scratch("outside", 0700, &st), ERR_CONFLICT);
	assert_int_equal(symlinkat("x", p->top, "link"), 0); /* a person's link is a person's wish */
	assert_int_equal(mkdir_in_scratch("link/v", 0700, &st), ERR_OK);
	assert_int_equal(path_mkdir_given("/", 0700, &fd, NULL), ERR_OK);
	assert_int_equal(path_mkdir_given("", 0700, &fd, NULL), ERR_INVALID);
	memset(longer, 'x', PATH_BYTES_MAX);
	longer[PATH_BYTES_MAX] = 0;
	assert_int_equal(path_mkdir_given(longer, 0700, &fd, NULL), ERR_LIMIT);
}

static void a_given_path_may_be_anywhere(void **state)
{
	struct place *p = *state;
	CLEANUP(fd_closep) int fd = -1;
	struct why why;
	char path[600];

	assert_int_equal(symlinkat("outside", p->top, "link"), 0);
	snprintf(path, sizeof path, "%s/link", scratch_path());
	assert_int_equal(path_open_given(path, O_RDONLY, 0, &fd, NULL), ERR_OK);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(path_open_given("/nonexistent/x", O_RDONLY, 0, &fd, &why), ERR_NOTFOUND);
	assert_string_equal(why.text, "cannot open /nonexistent/x: No such file or directory");
}

/* --- emptying ----------------------------------------------------------------------------------------------------- */

static void emptying_removes_all_and_follows_no_link(void **state)
{
	struct place *p = *state;

	make_file(p->in, "f");
	assert_int_equal(mkdirat(p->in, "a", 0700), 0);
	assert_int_equal(mkdirat(p->in, "a/b", 0700), 0);
	make_file(p->in, "a/b/.hidden");
	assert_int_equal(mkfifoat(p->in, "a/fifo", 0600), 0);
	assert_int_equal(symlinkat("../../outside", p->in, "a/link"), 0);
	assert_int_equal(symlinkat("../..", p->in, "a/dirlink"), 0);
	assert_int_equal(symlinkat("nowhere", p->in, "dangling"), 0);
	assert_int_equal(path_empty_dir(p->in, NULL), ERR_OK);
	assert_int_equal(scratch_count(p->in), 0);
	assert_int_equal(faccessat(p->top, "outside", F_OK, 0), 0);
	assert_int_equal(path_empty_dir(p->in, NULL), ERR_OK);
}

/* A job's scratch is the job's to fill: three thousand levels are more than there are descriptors, and longer than
 * any path. */
static void depth_costs_no_descriptors(void **state)
{
	struct place *p = *state;
	size_t before = scratch_open_fds();
	int here = dup(p->in);

	for (int i = 0; i < 3000; i++) {
		int next;

		assert_int_equal(mkdirat(here, "d", 0700), 0);
		next = openat(here, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(here);
		here = next;
	}
	make_file(here, "f");
	close(here);
	assert_int_equal(path_empty_dir(p->in, NULL), ERR_OK);
	assert_int_equal(scratch_count(p->in), 0);
	assert_int_equal(scratch_open_fds(), before);
}

static void breadth_is_removed_whole(void **state)
{
	struct place *p = *state;
	char name[32];

	assert_int_equal(mkdirat(p->in, "a", 0700), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof name, i % 2 ? "%d" : "a/%d", i);
		if (i % 3)
			make_file(p->in, name);
		else
			assert_int_equal(mkdirat(p->in, name, 0700), 0);
	}
	assert_int_equal(path_empty_dir(p->in, NULL), ERR_OK);
	assert_int_equal(scratch_count(p->in), 0);
}

/* As nobody when the tests run as root, whom no mode stops. */
static void empty_as_nobody(void *context)
{
	struct place *p = context;
	struct why why;

	if (geteuid() == 0 && (fchown(p->in, 65534, 65534) != 0 || fchmodat(p->top, ".", 0755, 0) != 0 ||
	                       setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
		_exit(10);
	if (mkdirat(p->in, "a", 0700) != 0 || mkdirat(p->in, "a/b", 0700) != 0 || mkdirat(p->in, "a/b/c", 0700) != 0)
		_exit(11);
	make_file(p->in, "a/b/f");
	if (fchmodat(p->in, "a/b/c", 0, 0) != 0 || fchmodat(p->in, "a/b", 0555, 0) != 0 ||
	    fchmodat(p->in, "a", 0, 0) != 0)
		_exit(12);
	if (path_empty_dir(p->in, &why) != ERR_OK) {
		fprintf(stderr, "%s\n", why.text);
		_exit(13);
	}
}

static void rights_that_were_taken_away_do_not_protect(void **state)
{
	struct place *p = *state;

	assert_int_equal(scratch_child(empty_as_nobody, p), 0);
	assert_int_equal(scratch_count(p->in), 0);
}

/* In a mount namespace of the child. A bind mount of the same file system is the case that its device number does not
 * tell. Exit 77: this process may not mount. */
static void empty_around_a_mount(void *context)
{
	struct place *p = context;
	char from[600], to[600];
	struct why why;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 && unshare(CLONE_NEWNS) != 0)
		_exit(77);
	snprintf(from, sizeof from, "%s/kept", scratch_path());
	snprintf(to, sizeof to, "%s/in/a/b", scratch_path());
	if (mount("", "/", "", MS_REC | MS_PRIVATE, NULL) != 0 || mount(from, to, "", MS_BIND, NULL) != 0)
		_exit(77);
	snprintf(to, sizeof to, "%s/in", scratch_path()); /* the descriptor that is there sees the old namespace */
	if (path_open_given(to, O_RDONLY | O_DIRECTORY, 0, &p->in, &why) != ERR_OK)
		_exit(1);
	if (path_empty_dir(p->in, &why) != ERR_CONFLICT || !strstr(why.text, "b is a mount"))
		_exit(2);
	snprintf(to, sizeof to, "%s/kept/f", scratch_path());
	if (access(to, F_OK) != 0)
		_exit(3);
}

static void a_bind_mount_is_not_emptied(void **state)
{
	struct place *p = *state;
	int ended;

	assert_int_equal(mkdirat(p->top, "kept", 0700), 0);
	make_file(p->top, "kept/f");
	assert_int_equal(mkdirat(p->in, "a", 0700), 0);
	assert_int_equal(mkdirat(p->in, "a/b", 0700), 0);
	ended = scratch_child(empty_around_a_mount, p);
	if (ended == -77)
		skip(); /* no right to mount here */
	assert_int_equal(ended, 0);
	assert_int_equal(faccessat(p->top, "kept/f", F_OK, 0), 0);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(files_beneath_are_opened_close_on_exec),
		IN_PLACE(nothing_leads_out),
		IN_PLACE(links_are_not_followed_not_even_inside),
		IN_PLACE(refusals_have_the_code_of_their_reason),
		IN_PLACE(a_race_with_a_link_never_leads_out),
		IN_PLACE(one_open_is_not_tried_for_ever),
		IN_PLACE(the_parent_is_opened_and_the_name_is_an_entry),
		IN_PLACE(directories_are_made_where_they_belong),
		IN_PLACE(a_directory_that_others_may_write_is_refused),
		IN_PLACE(a_given_path_is_made_with_its_parents),
		IN_PLACE(a_given_path_may_be_anywhere),
		IN_PLACE(emptying_removes_all_and_follows_no_link),
		IN_PLACE(depth_costs_no_descriptors),
		IN_PLACE(breadth_is_removed_whole),
		IN_PLACE(rights_that_were_taken_away_do_not_protect),
		IN_PLACE(a_bind_mount_is_not_emptied),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
