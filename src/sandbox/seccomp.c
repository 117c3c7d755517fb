#include "sandbox/seccomp.h"

#include <errno.h>
#include <seccomp.h>

#include "base/cleanup.h"

static void filter_releasep(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static int check(int result, const char *what, struct why *reterr_why)
{
	ENSURE(result == 0, ERR_UNAVAILABLE, reterr_why, "seccomp: cannot %s (error %d)", what, -result);
	return ERR_OK;
}

static int set_up(scmp_filter_ctx filter, struct why *reterr_why)
{
	TRY(check(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "close other architectures",
	          reterr_why));
	/* Who drops privileges sets no_new_privs; that it was forgotten must show. */
	TRY(check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0), "leave no_new_privs alone", reterr_why));
	TRY(check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1), "include all threads", reterr_why));
	/* A binary tree: the same few steps for each of some hundred calls. */
	return check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), "build a tree", reterr_why);
}

static int add(scmp_filter_ctx filter, const struct sandbox_syscall *s, struct why *reterr_why)
{
	struct scmp_arg_cmp compare = {.arg = s->arg, .op = SCMP_CMP_MASKED_EQ};
	int number = seccomp_syscall_resolve_name(s->name);
	int result;

	ENSURE(number != __NR_SCMP_ERROR, ERR_INTERNAL, reterr_why, "seccomp: there is no system call %s", s->name);
	if (number < 0) /* known elsewhere, not on this architecture */
		return ERR_OK;
	/* What the upper half of a register holds where the kernel takes an int is nobody's business. */
	compare.datum_a = s->test == SANDBOX_IF_INT ? UINT32_MAX : s->mask;
	compare.datum_b = s->value;
	if (s->test == SANDBOX_ALWAYS)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	else if (s->test == SANDBOX_REFUSE)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)s->value), number, 0);
	else
		result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &compare);
	ENSURE(result == 0 || result == -EEXIST, ERR_INTERNAL, reterr_why,
	       "seccomp: the rule for %s is refused (error %d)", s->name, -result);
	return ERR_OK;
}

int sandbox_seccomp_apply(const struct sandbox_syscalls *lists, size_t list_count, struct why *reterr_why)
{
	CLEANUP(filter_releasep) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);

	ENSURE(filter, ERR_UNAVAILABLE, reterr_why, "seccomp: no memory for a filter");
	TRY(set_up(filter, reterr_why));
	for (size_t l = 0; l < list_count; l++)
		for (size_t i = 0; i < lists[l].count; i++)
			TRY(add(filter, &lists[l].list[i], reterr_why));
	return check(seccomp_load(filter),
	             "load the filter; no_new_privs must be set first, and the kernel must "
	             "have CONFIG_SECCOMP_FILTER",
	             reterr_why);
}
