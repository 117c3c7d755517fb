/* cloister data put, get, rm: objects of a bucket. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "cli/output.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/s3.h"
#include "cli/verbs.h"
#include "crypto/hash.h"
#include "wire/form.h"

enum { PIECE_BYTES = 64 << 10 };

/* BUCKET/KEY, and ?versionId= if the verb has --version. */
static int put_target(const struct cli *cli, const char *text, struct buf *into, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *query = NULL;
	const char *version = cli_value(cli, "version");
	struct s3_name name;

	TRY(s3_name_parse(text, true, &name, reterr_why));
	TRY(s3_target_put(&name, into, reterr_why));
	if (!version)
		return ERR_OK;
	TRY(buf_new(SIGV4_TARGET_BYTES_MAX, &query, reterr_why));
	TRY(form_put(query, "versionId", slice_str(version), reterr_why));
	TRY(buf_put_u8(into, '?', reterr_why));
	return buf_put(into, buf_slice(query), reterr_why);
}

/* --- put --- */

struct upload {
	int fd;
	uint64_t size;
	uint8_t sha256[SHA256_BYTES];
	_Atomic uint64_t done;
};

/* The digest is signed, so the file is read twice: nothing on the way can alter what arrives. */
static int digest(struct upload *u, struct why *reterr_why)
{
	CLEANUP(hash_freep) struct hash *h = NULL;
	uint8_t piece[PIECE_BYTES];
	uint64_t at = 0;
	size_t len;

	TRY(hash_new(HASH_SHA256, &h, reterr_why));
	do {
		TRY(fd_pread_full(u->fd, piece, sizeof piece, at, &len, reterr_why));
		hash_update(h, slice_of(piece, len));
		at += len;
	} while (len == sizeof piece);
	u->size = at;
	hash_finish(h, u->sha256);
	return ERR_OK;
}

static int give(void *context, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why)
{
	struct upload *u = context;
	uint64_t left = u->size - u->done;

	TRY(fd_pread_full(u->fd, bytes, left < size ? (size_t)left : size, u->done, ret_len, reterr_why));
	ENSURE(*ret_len > 0 || left == 0, ERR_CONFLICT, reterr_why, "the file became shorter while it was sent");
	u->done += *ret_len;
	return ERR_OK;
}

static int send_file(struct cli *cli, struct upload *u, const struct buf *target, struct why *reterr_why)
{
	CLEANUP(client_freep) struct client *c = NULL;
	CLEANUP(progress_stopp) struct progress *progress = NULL;
	CLEANUP(buf_freep) struct buf *answer = NULL;
	struct client_call call = {.service = "s3",
	                           .method = "PUT",
	                           .target = buf_slice(target),
	                           .source = give,
	                           .source_context = u,
	                           .source_length = u->size,
	                           .source_sha256 = u->sha256};
	const char *type = cli_value(cli, "type");

	if (type)
		call.fields[0] = (struct http_client_field){"Content-Type", slice_str(type)};
	TRY(buf_new(XML_BYTES_MAX, &answer, reterr_why));
	TRY(client_open(cli_value(cli, "profile"), &c, reterr_why));
	TRY(progress_start("sending", u->size, &u->done, &cli->err, &progress, reterr_why));
	return client_call(c, &call, answer, reterr_why);
}

static int put(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *target = NULL;
	CLEANUP(fd_closep) int fd = -1;
	struct upload u = {0};
	uint64_t size;

	TRY(buf_new(SIGV4_TARGET_BYTES_MAX, &target, reterr_why));
	TRY(put_target(cli, cli->arguments[1], target, reterr_why));
	TRY(input_open(cli->arguments[0], &fd, &size, reterr_why));
	ENSURE(lseek(fd, 0, SEEK_SET) == 0, ERR_INVALID, reterr_why,
	       "%s is a pipe, which can not be read twice; put it into a file first", cli->arguments[0]);
	u.fd = fd;
	TRY(digest(&u, reterr_why));
	return send_file(cli, &u, target, reterr_why);
}

/* --- get --- */

static int receive(struct client *c, int fd, _Atomic uint64_t *done, struct why *reterr_why)
{
	uint8_t piece[PIECE_BYTES];
	size_t len;

	for (;;) {
		TRY(client_read(c, piece, sizeof piece, &len, reterr_why));
		if (len == 0)
			return ERR_OK;
		TRY(fd_write_all(fd, slice_of(piece, len), reterr_why));
		*done += len;
	}
}

static int get(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(client_freep) struct client *c = NULL;
	CLEANUP(output_freep) struct output *out = NULL;
	CLEANUP(progress_stopp) struct progress *progress = NULL;
	CLEANUP(buf_freep) struct buf *target = NULL;
	struct client_call call = {.service = "s3", .method = "GET"};
	const char *slash = strrchr(cli->arguments[0], '/'), *path = cli_value(cli, "output");
	const struct http1_response *response;
	_Atomic uint64_t done = 0;

	TRY(buf_new(SIGV4_TARGET_BYTES_MAX, &target, reterr_why));
	TRY(put_target(cli, cli->arguments[0], target, reterr_why));
	call.target = buf_slice(target);
	ENSURE(path || (slash && slash[1]), ERR_INVALID, reterr_why,
	       "%s ends in a slash; say where to write by -o FILE", cli->arguments[0]);
	TRY(output_open(path ? path : slash + 1, cli_has(cli, "force"), 0600, &out, reterr_why));
	TRY(client_open(cli_value(cli, "profile"), &c, reterr_why));
	TRY(client_start(c, &call, &response, reterr_why));
	TRY(progress_start("receiving",
	                   response->framing == HTTP1_FRAMING_LENGTH ? response->length : PROGRESS_TOTAL_UNKNOWN, &done,
	                   &cli->err, &progress, reterr_why));
	TRY(receive(c, output_fd(out), &done, reterr_why));
	return output_finish(out, reterr_why);
}

static int rm(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(client_freep) struct client *c = NULL;
	CLEANUP(buf_freep) struct buf *target = NULL;
	CLEANUP(buf_freep) struct buf *answer = NULL;

	TRY(buf_new(SIGV4_TARGET_BYTES_MAX, &target, reterr_why));
	TRY(buf_new(XML_BYTES_MAX, &answer, reterr_why));
	TRY(put_target(cli, cli->arguments[0], target, reterr_why));
	TRY(client_open(cli_value(cli, "profile"), &c, reterr_why));
	return s3_call(c, "DELETE", target, answer, reterr_why);
}

static const struct cli_option put_options[] = {
	{"type", 't', "MEDIA-TYPE", "what it is, such as text/csv", false},
	{0},
};
static const struct cli_option get_options[] = {
	{"output", 'o', "OUT", "write here instead of the last part of KEY; - is standard output", false},
	{"version", 0, "ID", "this version instead of the newest", false},
	{"force", 'f', NULL, "replace OUT if it exists", false},
	{0},
};
static const struct cli_option rm_options[] = {
	{"version", 0, "ID", "remove this version for good, instead of marking the object as removed", false},
	{0},
};

const struct cli_verb verb_data_put = {
	.name = "data put",
	.summary = "store a file as an object",
	.arguments = "FILE BUCKET/KEY",
	.details =
		"The file's digest is signed, so nothing on the way can alter it. The installation encrypts what it\n"
		"stores, and sees what it is given; cloister seal a file before, if it shall not.",
	.examples = "cloister data put data.csv.sealed patients-2026/data.csv.sealed",
	.options = put_options,
	.flags = CLI_CALLS,
	.arguments_min = 2,
	.arguments_max = 2,
	.run = put,
};
const struct cli_verb verb_data_get = {
	.name = "data get",
	.summary = "fetch an object into a file",
	.arguments = "BUCKET/KEY",
	.examples = "cloister data get patients-2026/data.csv.sealed -o data.csv.sealed",
	.options = get_options,
	.flags = CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = get,
};
const struct cli_verb verb_data_rm = {
	.name = "data rm",
	.summary = "remove an object; its versions stay until they are removed themselves",
	.arguments = "BUCKET/KEY",
	.examples = "cloister data rm patients-2026/data.csv.sealed",
	.options = rm_options,
	.flags = CLI_CALLS,
	.arguments_min = 1,
	.arguments_max = 1,
	.run = rm,
};
