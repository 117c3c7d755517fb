/* Runs a harness over files: usage: replay-NAME CORPUS [REGRESSIONS]. The first directory must be there and not be
 * empty; the second one is there once there has been a finding. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "fuzz/fuzz.h"

/* Seeds are small; a finding can be as long as the longest input that libFuzzer tries. */
enum { INPUT_BYTES_MAX = 1 << 20 };

static int replay_file(int dir_fd, const char *name, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *input = NULL;

	TRY(buf_new(INPUT_BYTES_MAX, &input, reterr_why));
	TRY(file_read(dir_fd, name, input, reterr_why));
	LLVMFuzzerTestOneInput(buf_len(input) ? buf_slice(input).ptr : (const uint8_t *)"", buf_len(input));
	return ERR_OK;
}

static int replay_dir(const char *path, size_t *inout_count, struct why *reterr_why)
{
	const struct dirent *entry;
	int dir_fd, err = ERR_OK;
	DIR *dir;

	TRY(path_open_given(path, O_RDONLY | O_DIRECTORY, 0, &dir_fd, reterr_why));
	dir = fdopendir(dir_fd);
	ENSURE(dir, ERR_UNAVAILABLE, reterr_why, "cannot list %s", path);
	while (err == ERR_OK && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		err = replay_file(dir_fd, entry->d_name, reterr_why);
		*inout_count += err == ERR_OK;
	}
	closedir(dir);
	return err;
}

int main(int argc, char **argv)
{
	struct why why = {""};
	size_t count = 0;
	int err = argc < 2 ? ERR_INVALID : replay_dir(argv[1], &count, &why);

	if (err == ERR_OK && count == 0)
		err = ERR_NOTFOUND;
	if (err == ERR_OK && argc > 2) {
		err = replay_dir(argv[2], &count, &why);
		if (err == ERR_NOTFOUND)
			err = ERR_OK;
	}
	printf("%zu inputs%s%s\n", count, err ? ": " : "", err ? why.text : "");
	return err == ERR_OK ? 0 : 1;
}
