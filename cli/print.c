#include "cli/print.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "cli/progress.h"

enum { JSON_OUT_BYTES_MAX = 64 << 20 };

int print_json(const json_t *json, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;

	TRY(buf_new(JSON_OUT_BYTES_MAX, &text, reterr_why));
	TRY(json_put(json, text, reterr_why));
	TRY(buf_put_u8(text, '\n', reterr_why));
	ENSURE_SYS(fwrite(buf_slice(text).ptr, 1, buf_len(text), stdout) == buf_len(text), reterr_why,
	           "cannot write to standard output");
	return ERR_OK;
}

int with_name(int err, const char *name, struct why *reterr_why)
{
	if (err != ERR_OK)
		why_prefix(reterr_why, "%s: ", strcmp(name, "-") == 0 ? "standard input" : name);
	return err;
}

int input_open(const char *path, int *ret_fd, uint64_t *ret_size, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	struct stat st;

	if (strcmp(path, "-") == 0) {
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		ENSURE_SYS(fd >= 0, reterr_why, "cannot read standard input");
	} else {
		TRY(path_open_given(path, O_RDONLY, 0, &fd, reterr_why));
	}
	ENSURE_SYS(fstat(fd, &st) == 0, reterr_why, "cannot stat %s", path);
	ENSURE(!S_ISDIR(st.st_mode), ERR_CONFLICT, reterr_why, "%s is a directory; name a file, or pack it by tar c %s",
	       path, path);
	*ret_size = S_ISREG(st.st_mode) && st.st_size > 0 ? (uint64_t)st.st_size : PROGRESS_TOTAL_UNKNOWN;
	*ret_fd = take_fd(fd);
	return ERR_OK;
}
