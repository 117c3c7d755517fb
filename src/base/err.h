/* err.h: how a function says that it failed, and why.
 *
 * A fallible function returns 0 or one of the codes below and leaves in *reterr_why, if the caller gave one, a sentence
 * for the person who will read it: what was found, what was wanted, what to do. Libraries return errors; only programs
 * log them. A code belongs to a class (its multiple of 0x100), and callers decide by class; a finer code exists only
 * where some interface has to answer differently for it. */
#pragma once
#include <stddef.h>

enum err {
	ERR_OK = 0,
	ERR_INVALID = -0x100,     /* the input can never be right */
	ERR_DENIED = -0x200,      /* who asks may not, or could not prove who they are */
	ERR_NOTFOUND = -0x300,    /* what is named does not exist */
	ERR_CONFLICT = -0x400,    /* the state forbids it now: it exists already, or changed under the caller */
	ERR_LIMIT = -0x500,       /* larger, longer or more than a named limit allows */
	ERR_TAMPERED = -0x600,    /* authenticity failed: raise an alert, never retry */
	ERR_UNAVAILABLE = -0x700, /* may work later: a full disk, a peer that is down, memory */
	ERR_TIMEOUT = -0x701,     /* a deadline passed */
	ERR_CLOSED = -0x702,      /* the peer ended the conversation where one may end */
	ERR_INTERNAL = -0x800,    /* a defect of ours */
};

/* A sentence, without a final full stop. */
struct why {
	char text[512];
};

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/* The class of a code: ERR_TIMEOUT is of class ERR_UNAVAILABLE. ERR_OK is its own class. */
enum err err_class(int code);

/* "INVALID", "DENIED", …: the class's name, as records and --json show it. Static. */
const char *err_class_name(int code);

/* The exit status of a command that ended with `code`: 0 ok, 1 failed, 2 usage (INVALID), 3 denied, 4 tampered,
 * 5 unavailable. */
int err_exit_status(int code);

/* Writes the sentence; a NULL `w` is ignored. */
void why_set(struct why *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts context in front of the sentence that is there: "cannot start keys: " + "the disk is full". */
void why_prefix(struct why *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Writes "<what>: <strerror>" and returns the code that errno `errnum` stands for: ERR_NOTFOUND for ENOENT, ERR_DENIED
 * for EACCES and EPERM, ERR_CONFLICT for EEXIST, ENOTDIR, EISDIR and ENOTEMPTY, ERR_LIMIT for ENAMETOOLONG and EFBIG,
 * ERR_TIMEOUT for ETIMEDOUT, ERR_UNAVAILABLE for the rest. */
MUST_USE int why_errno(struct why *w, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Returns the error of a failed call to our caller, unchanged. */
#define TRY(call)                    \
	do {                         \
		int err_ = (call);   \
		if (err_ != ERR_OK)  \
			return err_; \
	} while (0)

/* Refuses with `code` and a sentence unless `cond` holds. */
#define ENSURE(cond, code, reterr_why, ...)                 \
	do {                                                \
		if (!(cond)) {                              \
			why_set((reterr_why), __VA_ARGS__); \
			return (code);                      \
		}                                           \
	} while (0)

/* As ENSURE, for a system call that left its reason in errno. (why_errno() never says ERR_OK; that it can not come out
 * here lets a static analyser follow.) */
#define ENSURE_SYS(cond, reterr_why, ...)                                                   \
	do {                                                                                \
		if (!(cond))                                                                \
			return why_errno((reterr_why), errno, __VA_ARGS__) ?: ERR_INTERNAL; \
	} while (0)
