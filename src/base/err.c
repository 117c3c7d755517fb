#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum err err_class(int code)
{
	return (enum err)(-(-code & ~0xff));
}

const char *err_class_name(int code)
{
	switch (err_class(code)) {
	case ERR_OK:
		return "OK";
	case ERR_INVALID:
		return "INVALID";
	case ERR_DENIED:
		return "DENIED";
	case ERR_NOTFOUND:
		return "NOTFOUND";
	case ERR_CONFLICT:
		return "CONFLICT";
	case ERR_LIMIT:
		return "LIMIT";
	case ERR_TAMPERED:
		return "TAMPERED";
	case ERR_UNAVAILABLE:
		return "UNAVAILABLE";
	default:
		return "INTERNAL";
	}
}

int err_exit_status(int code)
{
	switch (err_class(code)) {
	case ERR_OK:
		return 0;
	case ERR_INVALID:
		return 2;
	case ERR_DENIED:
		return 3;
	case ERR_TAMPERED:
		return 4;
	case ERR_UNAVAILABLE:
		return 5;
	default:
		return 1;
	}
}

void why_set(struct why *w, const char *fmt, ...)
{
	va_list args;

	if (!w)
		return;
	va_start(args, fmt);
	vsnprintf(w->text, sizeof w->text, fmt, args);
	va_end(args);
}

void why_prefix(struct why *w, const char *fmt, ...)
{
	struct why old;
	va_list args;
	size_t len;

	if (!w)
		return;
	old = *w;
	va_start(args, fmt);
	vsnprintf(w->text, sizeof w->text, fmt, args);
	va_end(args);
	len = strlen(w->text);
	snprintf(w->text + len, sizeof w->text - len, "%s", old.text);
}

static int code_of_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
		return ERR_NOTFOUND;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	case EEXIST:
	case ENOTDIR:
	case EISDIR:
	case ENOTEMPTY:
		return ERR_CONFLICT;
	case ENAMETOOLONG:
	case EFBIG:
		return ERR_LIMIT;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	default:
		return ERR_UNAVAILABLE;
	}
}

int why_errno(struct why *w, int errnum, const char *fmt, ...)
{
	char reason[96];
	va_list args;
	size_t len;

	if (!w)
		return code_of_errno(errnum);
	va_start(args, fmt);
	vsnprintf(w->text, sizeof w->text, fmt, args);
	va_end(args);
	len = strlen(w->text);
	snprintf(w->text + len, sizeof w->text - len, ": %s", strerror_r(errnum, reason, sizeof reason));
	return code_of_errno(errnum);
}
