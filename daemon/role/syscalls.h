/* syscalls.h: lists that roles compose theirs from. */
#pragma once
#include "sandbox/seccomp.h"

/* Memory, time, the event loop, messages, threads: what no role can do without. No files, no sockets of its own. */
extern const struct sandbox_syscalls role_syscalls_common;

/* Files of its own directory, by openat2 and durably, and what SQLite needs. Landlock says which files. */
extern const struct sandbox_syscalls role_syscalls_files;

/* Nothing; or, in a build with a sanitizer, what that needs: a build that is never shipped. */
extern const struct sandbox_syscalls role_syscalls_build;
