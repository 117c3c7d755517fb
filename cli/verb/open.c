/* cloister open: opens a sealed file on this machine. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "cli/opener.h"
#include "cli/output.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "seal/seal.h"
#include "seal/wraps_file.h"

#define SUFFIX ".sealed"

static int target_of(const struct cli *cli, const char *input, struct buf *into, const char **ret_target,
                     struct why *reterr_why)
{
	size_t len = strlen(input), suffix = strlen(SUFFIX);

	*ret_target = cli_value(cli, "output");
	if (!*ret_target && strcmp(input, "-") == 0)
		*ret_target = "-";
	if (*ret_target)
		return ERR_OK;
	ENSURE(len > suffix && strcmp(input + len - suffix, SUFFIX) == 0, ERR_INVALID, reterr_why,
	       "%s does not end in " SUFFIX "; say where to write by -o FILE", input);
	TRY(buf_put(into, slice_of(input, len - suffix), reterr_why));
	return buf_str(into, ret_target, reterr_why);
}

/* Wraps that were put beside the file (FILE.wraps), if it is one; `in` then stands where it stood. */
static int load_sidecar(int in, const char *input, struct seal_wraps **ret_wraps, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *bytes = NULL;
	CLEANUP(fd_closep) int dir_fd = -1;
	const char *slash = strrchr(input, '/');
	char dir[PATH_BYTES_MAX] = ".";
	struct seal_head head;
	struct stat st;

	*ret_wraps = NULL;
	if (strcmp(input, "-") == 0 || fstat(in, &st) != 0 || !S_ISREG(st.st_mode))
		return ERR_OK;
	TRY(buf_new(SEAL_HEAD_BYTES_MAX, &bytes, reterr_why));
	TRY(seal_head_read(in, bytes, &head, reterr_why));
	ENSURE_SYS(lseek(in, 0, SEEK_SET) == 0, reterr_why, "cannot go back to its start");
	if (slash)
		TRY(slice_to_str(slice_of(input, (size_t)(slash - input) + 1), dir, sizeof dir, reterr_why));
	TRY(path_open_given(dir, O_RDONLY | O_DIRECTORY, 0, &dir_fd, reterr_why));
	return seal_sidecar_load(dir_fd, slash ? slash + 1 : input, head.core_hash, ret_wraps, reterr_why);
}

static int print_totals(const struct cli *cli, const char *from, const char *to, const struct seal_totals *totals,
                        struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *json = json_object();
	char size[TERMINAL_SIZE_BYTES];

	ENSURE(json, ERR_UNAVAILABLE, reterr_why, "out of memory");
	if (!cli->is_json) {
		terminal_size(totals->plain_bytes, size);
		fprintf(stderr, "opened %s into %s (%s)\n", from, to, size);
		return ERR_OK;
	}
	TRY(json_set_str(json, "input", slice_str(from), reterr_why));
	TRY(json_set_str(json, "output", slice_str(to), reterr_why));
	TRY(json_set_int(json, "plain_bytes", (int64_t)totals->plain_bytes, reterr_why));
	return print_json(json, reterr_why);
}

static int run(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(opener_clear) struct opener opener = {0};
	CLEANUP(seal_wraps_freep) struct seal_wraps *sidecar = NULL;
	CLEANUP(output_freep) struct output *out = NULL;
	CLEANUP(progress_stopp) struct progress *progress = NULL;
	CLEANUP(buf_freep) struct buf *name = NULL;
	CLEANUP(fd_closep) int in = -1;
	_Atomic uint64_t done = 0;
	struct seal_options options = {.done_bytes = &done};
	const char *input = cli->arguments[0], *target;
	struct seal_key_source source;
	struct seal_totals totals;
	uint64_t size;
	int err;

	TRY(buf_new(PATH_BYTES_MAX, &name, reterr_why));
	TRY(target_of(cli, input, name, &target, reterr_why));
	ENSURE(strcmp(target, "-") != 0 || !cli->is_json, ERR_INVALID, reterr_why,
	       "--json and the opened file can not both go to standard output; name a file by -o FILE");
	TRY(opener_new(cli, &opener, reterr_why));
	TRY(input_open(input, &in, &size, reterr_why));
	TRY(with_name(load_sidecar(in, input, &sidecar, reterr_why), input, reterr_why));
	TRY(output_open(target, cli_has(cli, "force"), 0600, &out, reterr_why));
	TRY(progress_start("opening", size, &done, &cli->err, &progress, reterr_why));
	source = opener_source(&opener);
	err = seal_open_stream(in, output_fd(out), sidecar, &source, &options, &totals, reterr_why);
	TRY(with_name(opener_explain(&opener, err, reterr_why), input, reterr_why));
	progress_stopp(&progress);
	TRY(output_finish(out, reterr_why));
	return output_is_stdout(out) ? ERR_OK : print_totals(cli, input, target, &totals, reterr_why);
}

static const struct cli_option options[] = {
	{"output", 'o', "OUT", "write here instead of FILE without .sealed; - is standard output", false},
	{"identity", 'i', "FILE", "open by this identity (cloister key identity); may be repeated", true},
	{"passphrase-file", 'p', "FILE", "open by the passphrase in this file (mode 600)", false},
	{"force", 'f', NULL, "replace OUT if it exists", false},
	{0},
};

const struct cli_verb verb_open = {
	.name = "open",
	.summary = "open a sealed file on this machine",
	.arguments = "FILE",
	.details = "FILE may be - for standard input. Without options it asks for the passphrase. A file that was "
		   "altered\n"
		   "or cut is refused (exit status 4) and named by its chunk; OUT is then not written. What goes to\n"
		   "standard output before such an error is authentic but not the whole: discard it.",
	.examples = "cloister open data.csv.sealed\n"
		    "cloister open data.sealed -o data.csv --identity me.identity\n"
		    "cloister open - --passphrase-file secret.txt < photos.tar.sealed | tar x",
	.options = options,
	.flags = CLI_PRINTS_DATA,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = run,
};
