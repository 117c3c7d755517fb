#include "daemon/role/syscalls.h"

static const struct sandbox_syscall list[] = {
	SANDBOX_ALLOW("sigaltstack"), SANDBOX_ALLOW("openat"),     SANDBOX_ALLOW("readlink"),
	SANDBOX_ALLOW("getuid"),      SANDBOX_ALLOW("geteuid"),    SANDBOX_ALLOW("prctl"),
	SANDBOX_ALLOW("open"),        SANDBOX_ALLOW("newfstatat"), SANDBOX_ALLOW("getrlimit"),
	SANDBOX_ALLOW("prlimit64"),
};
const struct sandbox_syscalls role_syscalls_build = {list, sizeof list / sizeof *list};

/* The leak check at exit traces its own process, which the sandbox forbids. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
