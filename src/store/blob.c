#include "store/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/random.h"
#include "crypto/chunked.h"

enum {
	NAME_BYTES = 2 * STORE_ID_BYTES + 1,
	PLACE_BYTES = 3 + NAME_BYTES, /* "ab/" and the name */
	RUN_CHUNKS = STORE_INLINE_BYTES_MAX / CHUNKED_PLAIN_BYTES,
	RUN_PLAIN_BYTES = RUN_CHUNKS * CHUNKED_PLAIN_BYTES,
	RUN_SEALED_BYTES = (RUN_CHUNKS + 1) * CHUNKED_SEALED_BYTES, /* and perhaps an empty last chunk */
};

struct blobs {
	int dir_fd;
	int new_fd;
};

static void name_of(const uint8_t id[static STORE_ID_BYTES], char out[static NAME_BYTES])
{
	hex_encode(slice_of(id, STORE_ID_BYTES), out);
}

/* Where a blob lives in the end: 256 directories, so that none grows too large. */
static void place_of(const uint8_t id[static STORE_ID_BYTES], char out[static PLACE_BYTES])
{
	char name[NAME_BYTES];

	name_of(id, name);
	snprintf(out, PLACE_BYTES, "%.2s/%s", name, name);
}

/* The directories of place_of(), durable before anything moves there. */
static int make_places(int dir_fd, struct why *reterr_why)
{
	bool is_new = false;

	for (unsigned i = 0; i < 256; i++) {
		char name[4];

		snprintf(name, sizeof name, "%02x", i);
		if (mkdirat(dir_fd, name, 0700) == 0)
			is_new = true;
		else
			ENSURE_SYS(errno == EEXIST, reterr_why, "cannot make the directory %s for blobs", name);
	}
	ENSURE_SYS(!is_new || fsync(dir_fd) == 0, reterr_why, "cannot make the directories for blobs durable");
	return ERR_OK;
}

int blobs_open(int dir_fd, struct blobs **ret_blobs, struct why *reterr_why)
{
	CLEANUP(blobs_closep) struct blobs *b = calloc(1, sizeof *b);

	ENSURE(b, ERR_UNAVAILABLE, reterr_why, "out of memory for the blobs");
	b->new_fd = -1;
	b->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	ENSURE_SYS(b->dir_fd >= 0, reterr_why, "cannot keep the directory of blobs");
	TRY(make_places(b->dir_fd, reterr_why));
	TRY(path_mkdir_beneath(b->dir_fd, "new", 0700, &b->new_fd, reterr_why));
	*ret_blobs = take_ptr(b);
	return ERR_OK;
}

void blobs_close(struct blobs *b)
{
	if (!b)
		return;
	fd_closep(&b->new_fd);
	fd_closep(&b->dir_fd);
	free(b);
}

void blobs_closep(struct blobs **b)
{
	blobs_close(*b);
	*b = NULL;
}

void blobs_place(struct blobs *b, const uint8_t blob_id[static STORE_ID_BYTES])
{
	char name[NAME_BYTES], place[PLACE_BYTES];

	name_of(blob_id, name);
	place_of(blob_id, place);
	(void)renameat(b->new_fd, name, b->dir_fd, place);
}

int blobs_remove(struct blobs *b, const uint8_t blob_id[static STORE_ID_BYTES], struct why *reterr_why)
{
	char name[NAME_BYTES], place[PLACE_BYTES];

	name_of(blob_id, name);
	place_of(blob_id, place);
	ENSURE_SYS(unlinkat(b->dir_fd, place, 0) == 0 || errno == ENOENT, reterr_why, "cannot remove the blob %s",
	           name);
	ENSURE_SYS(unlinkat(b->new_fd, name, 0) == 0 || errno == ENOENT, reterr_why, "cannot remove the blob %s", name);
	return ERR_OK;
}

static int settle_one(struct blobs *b, const char *name, blob_is_named *is_named, void *ctx, struct why *reterr_why)
{
	uint8_t id[STORE_ID_BYTES];
	bool named = false;

	if (hex_decode(slice_str(name), id, sizeof id, NULL) == ERR_OK)
		TRY(is_named(ctx, id, &named, reterr_why));
	if (named)
		blobs_place(b, id);
	else
		ENSURE_SYS(unlinkat(b->new_fd, name, 0) == 0, reterr_why, "cannot remove the unfinished blob %s", name);
	return ERR_OK;
}

int blobs_settle(struct blobs *b, blob_is_named *is_named, void *ctx, struct why *reterr_why)
{
	struct dirent *entry;
	int copy, err = ERR_OK;
	DIR *dir;

	TRY(path_open_beneath(b->new_fd, ".", O_RDONLY | O_DIRECTORY, 0, &copy, reterr_why));
	dir = fdopendir(copy);
	if (!dir) {
		close(copy);
		return why_errno(reterr_why, errno, "cannot list unfinished blobs");
	}
	while (err == ERR_OK && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			err = settle_one(b, entry->d_name, is_named, ctx, reterr_why);
	closedir(dir);
	return err;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

struct blob_writer {
	struct blobs *blobs;
	struct chunked *chunked;
	struct sidecar_part part;
	uint64_t next_chunk;
	size_t held; /* plaintext that waits in `plain` */
	int fd;      /* the file, once there is one */
	uint64_t file_end;
	bool is_kept; /* the file outlives the writer */
	uint8_t head[CHUNKED_HEAD_BYTES];
	uint8_t plain[RUN_PLAIN_BYTES];
	uint8_t sealed[CHUNKED_HEAD_BYTES + RUN_SEALED_BYTES];
};

int blob_writer_new(struct blobs *b, const struct secret *version_key, struct blob_writer **ret_writer,
                    struct why *reterr_why)
{
	CLEANUP(blob_writer_freep) struct blob_writer *w = malloc(sizeof *w);
	CLEANUP(secret_freep) struct secret *key = NULL;
	uint8_t context[32];

	ENSURE(w, ERR_UNAVAILABLE, reterr_why, "out of memory for a blob");
	memset(w, 0, offsetof(struct blob_writer, plain)); /* the buffers need no zeros */
	w->blobs = b;
	w->fd = -1;
	TRY(random_fill(w->part.blob_id, STORE_ID_BYTES, reterr_why));
	TRY(sidecar_part_key_new(version_key, w->part.blob_id, w->part.wrapped_key, &key, reterr_why));
	sidecar_part_context(w->part.blob_id, context);
	TRY(chunked_seal_new(key, slice_of(context, sizeof context), w->head, &w->chunked, reterr_why));
	memcpy(w->part.salt, w->head, SIDECAR_SALT_BYTES);
	memcpy(w->part.commitment, w->head + SIDECAR_SALT_BYTES, SIDECAR_COMMITMENT_BYTES);
	*ret_writer = take_ptr(w);
	return ERR_OK;
}

void blob_writer_free(struct blob_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0 && !w->is_kept)
		(void)!blobs_remove(w->blobs, w->part.blob_id, NULL);
	fd_closep(&w->fd);
	chunked_free(w->chunked);
	explicit_bzero(w->plain, w->part.length < sizeof w->plain ? (size_t)w->part.length : sizeof w->plain);
	free(w);
}

void blob_writer_freep(struct blob_writer **w)
{
	blob_writer_free(*w);
	*w = NULL;
}

void blob_writer_committed(struct blob_writer *w)
{
	w->is_kept = true;
	if (w->fd >= 0)
		blobs_place(w->blobs, w->part.blob_id);
}

void blob_writer_commitment(const struct blob_writer *w, uint8_t out[static SIDECAR_COMMITMENT_BYTES])
{
	memcpy(out, w->part.commitment, SIDECAR_COMMITMENT_BYTES);
}

void blob_writer_leave(struct blob_writer *w)
{
	w->is_kept = true;
}

int blob_writer_to_file(struct blob_writer *w, struct why *reterr_why)
{
	char name[NAME_BYTES];

	if (w->fd >= 0)
		return ERR_OK;
	name_of(w->part.blob_id, name);
	TRY(path_open_beneath(w->blobs->new_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600, &w->fd, reterr_why));
	TRY(fd_write_all(w->fd, slice_of(w->head, CHUNKED_HEAD_BYTES), reterr_why));
	w->file_end = CHUNKED_HEAD_BYTES;
	return ERR_OK;
}

/* Seals a run that is not the last and writes it out. */
static int write_run(struct blob_writer *w, struct slice plain, struct why *reterr_why)
{
	size_t sealed = chunked_run_bytes(plain.len, false);

	TRY(blob_writer_to_file(w, reterr_why));
	TRY(chunked_seal_run(w->chunked, w->next_chunk, plain, false, w->sealed, reterr_why));
	TRY(fd_write_all(w->fd, slice_of(w->sealed, sealed), reterr_why));
	w->file_end += sealed;
	w->next_chunk += plain.len / CHUNKED_PLAIN_BYTES;
	return ERR_OK;
}

int blob_writer_write(struct blob_writer *w, struct slice plain, struct why *reterr_why)
{
	w->part.length += plain.len;
	while (plain.len) {
		size_t take;

		/* What came in one piece need not be copied first. */
		if (w->held == 0 && plain.len > RUN_PLAIN_BYTES) {
			TRY(write_run(w, slice_of(plain.ptr, RUN_PLAIN_BYTES), reterr_why));
			take = RUN_PLAIN_BYTES;
		} else if (w->held == RUN_PLAIN_BYTES) {
			TRY(write_run(w, slice_of(w->plain, w->held), reterr_why));
			w->held = 0;
			continue;
		} else {
			take = plain.len < RUN_PLAIN_BYTES - w->held ? plain.len : RUN_PLAIN_BYTES - w->held;
			memcpy(w->plain + w->held, plain.ptr, take);
			w->held += take;
		}
		plain = slice_of(plain.ptr + take, plain.len - take);
	}
	return ERR_OK;
}

static int finish_file(struct blob_writer *w, struct why *reterr_why)
{
	size_t sealed = chunked_run_bytes(w->held, true);

	TRY(chunked_seal_run(w->chunked, w->next_chunk, slice_of(w->plain, w->held), true, w->sealed, reterr_why));
	TRY(fd_write_all(w->fd, slice_of(w->sealed, sealed), reterr_why));
	ENSURE_SYS(fdatasync(w->fd) == 0 && fsync(w->blobs->new_fd) == 0, reterr_why, "cannot make a blob durable");
	return ERR_OK;
}

int blob_writer_finish(struct blob_writer *w, struct sidecar_part *ret_part, struct slice *ret_inline,
                       struct why *reterr_why)
{
	if (w->fd >= 0) {
		TRY(finish_file(w, reterr_why));
		*ret_inline = slice_of(NULL, 0);
	} else {
		memcpy(w->sealed, w->head, CHUNKED_HEAD_BYTES);
		TRY(chunked_seal_run(w->chunked, 0, slice_of(w->plain, w->held), true, w->sealed + CHUNKED_HEAD_BYTES,
		                     reterr_why));
		*ret_inline = slice_of(w->sealed, CHUNKED_HEAD_BYTES + chunked_run_bytes(w->held, true));
	}
	*ret_part = w->part;
	return ERR_OK;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

struct blob_reader {
	struct chunked *chunked;
	struct sidecar_part part;
	struct slice message; /* of an inline blob */
	int fd;               /* of a file */
	uint8_t plain[RUN_PLAIN_BYTES];
	uint8_t sealed[RUN_SEALED_BYTES];
};

static int open_file(struct blobs *b, struct blob_reader *r, struct why *reterr_why)
{
	char name[NAME_BYTES], place[PLACE_BYTES];
	struct stat st;
	int err;

	name_of(r->part.blob_id, name);
	place_of(r->part.blob_id, place);
	err = path_open_beneath(b->dir_fd, place, O_RDONLY, 0, &r->fd, reterr_why);
	if (err == ERR_NOTFOUND) /* just committed, or its move failed */
		err = path_open_beneath(b->new_fd, name, O_RDONLY, 0, &r->fd, reterr_why);
	if (err == ERR_NOTFOUND) /* once more: it may have moved between the two looks */
		err = path_open_beneath(b->dir_fd, place, O_RDONLY, 0, &r->fd, reterr_why);
	ENSURE(err != ERR_NOTFOUND, ERR_TAMPERED, reterr_why,
	       "the blob %s is missing from the store; restore it from a backup", name);
	TRY(err);
	ENSURE_SYS(fstat(r->fd, &st) == 0, reterr_why, "cannot stat the blob %s", name);
	ENSURE((uint64_t)st.st_size == chunked_message_len(r->part.length), ERR_TAMPERED, reterr_why,
	       "the blob %s has %lld bytes and should have %llu; restore it from a backup", name, (long long)st.st_size,
	       (unsigned long long)chunked_message_len(r->part.length));
	return ERR_OK;
}

static int check_head(struct blob_reader *r, uint8_t head[static CHUNKED_HEAD_BYTES], struct why *reterr_why)
{
	size_t got = CHUNKED_HEAD_BYTES;

	if (r->fd >= 0) {
		TRY(fd_pread_full(r->fd, head, CHUNKED_HEAD_BYTES, 0, &got, reterr_why));
	} else {
		ENSURE(r->message.len == chunked_message_len(r->part.length), ERR_TAMPERED, reterr_why,
		       "an object in a segment has the wrong length; restore it from a backup");
		memcpy(head, r->message.ptr, CHUNKED_HEAD_BYTES);
	}
	ENSURE(got == CHUNKED_HEAD_BYTES &&
	               slice_equal(slice_of(head, SIDECAR_SALT_BYTES), slice_of(r->part.salt, SIDECAR_SALT_BYTES)) &&
	               slice_equal(slice_of(head + SIDECAR_SALT_BYTES, SIDECAR_COMMITMENT_BYTES),
	                           slice_of(r->part.commitment, SIDECAR_COMMITMENT_BYTES)),
	       ERR_TAMPERED, reterr_why, "a blob's head was altered; restore it from a backup");
	return ERR_OK;
}

int blob_reader_new(struct blobs *b, const struct sidecar_part *part, struct slice inline_message,
                    const struct secret *version_key, struct blob_reader **ret_reader, struct why *reterr_why)
{
	CLEANUP(blob_reader_freep) struct blob_reader *r = malloc(sizeof *r);
	CLEANUP(secret_freep) struct secret *key = NULL;
	uint8_t head[CHUNKED_HEAD_BYTES], context[32];

	ENSURE(r, ERR_UNAVAILABLE, reterr_why, "out of memory for a blob");
	memset(r, 0, offsetof(struct blob_reader, plain));
	r->part = *part;
	r->message = inline_message;
	r->fd = -1;
	if (!inline_message.len)
		TRY(open_file(b, r, reterr_why));
	TRY(check_head(r, head, reterr_why));
	TRY(sidecar_part_key_open(version_key, part, &key, reterr_why));
	sidecar_part_context(part->blob_id, context);
	TRY(chunked_open_new(key, slice_of(context, sizeof context), head, &r->chunked, reterr_why));
	*ret_reader = take_ptr(r);
	return ERR_OK;
}

void blob_reader_free(struct blob_reader *r)
{
	if (!r)
		return;
	fd_closep(&r->fd);
	chunked_free(r->chunked);
	explicit_bzero(r->plain, r->part.length < sizeof r->plain ? (size_t)r->part.length : sizeof r->plain);
	free(r);
}

void blob_reader_freep(struct blob_reader **r)
{
	blob_reader_free(*r);
	*r = NULL;
}

/* Where chunk number `chunk` begins in the message. */
static uint64_t chunk_at(uint64_t chunk)
{
	return CHUNKED_HEAD_BYTES + chunk * CHUNKED_SEALED_BYTES;
}

/* The sealed bytes of chunks `first` on, `len` of them, in memory or read into `sealed`. */
static int sealed_bytes(struct blob_reader *r, uint64_t first, size_t len, struct slice *ret_sealed,
                        struct why *reterr_why)
{
	uint64_t at = chunk_at(first);
	size_t got;

	if (r->fd < 0) {
		*ret_sealed = slice_of(r->message.ptr + at, len); /* its length was checked against the part's */
		return ERR_OK;
	}
	TRY(fd_pread_full(r->fd, r->sealed, len, at, &got, reterr_why));
	ENSURE(got == len, ERR_TAMPERED, reterr_why,
	       "a blob was cut short while it was read; restore it from a backup");
	*ret_sealed = slice_of(r->sealed, len);
	return ERR_OK;
}

/* How many chunks the next run takes, from `first` to `wanted_last`. An empty last chunk rides along with a full run.
 */
static uint64_t run_chunks(const struct blob_reader *r, uint64_t first, uint64_t wanted_last)
{
	uint64_t chunks = wanted_last - first + 1;
	bool ends_empty = r->part.length % CHUNKED_PLAIN_BYTES == 0 &&
	                  wanted_last == r->part.length / CHUNKED_PLAIN_BYTES;

	if (chunks <= RUN_CHUNKS || (chunks == RUN_CHUNKS + 1 && ends_empty))
		return chunks;
	return RUN_CHUNKS;
}

int blob_reader_read(struct blob_reader *r, uint64_t offset, uint64_t len, struct slice *ret_plain,
                     struct why *reterr_why)
{
	uint64_t first = offset / CHUNKED_PLAIN_BYTES, last = r->part.length / CHUNKED_PLAIN_BYTES, wanted_last, end;
	size_t skip = (size_t)(offset % CHUNKED_PLAIN_BYTES), opened;
	struct slice sealed;

	ENSURE(offset <= r->part.length && len <= r->part.length - offset, ERR_INTERNAL, reterr_why,
	       "a read past the end of a blob");
	/* A read that touches the end opens the last chunk too, even if it is empty: only it proves the end. */
	wanted_last = offset + len == r->part.length ? last : (offset + len - 1) / CHUNKED_PLAIN_BYTES;
	end = first + run_chunks(r, first, wanted_last);
	if (end > last)
		TRY(sealed_bytes(r, first, (size_t)(chunked_message_len(r->part.length) - chunk_at(first)), &sealed,
		                 reterr_why));
	else
		TRY(sealed_bytes(r, first, (size_t)(chunk_at(end) - chunk_at(first)), &sealed, reterr_why));
	TRY(chunked_open_run(r->chunked, first, sealed, end > last, r->plain, &opened, reterr_why));
	ENSURE(opened >= skip, ERR_INTERNAL, reterr_why, "a run shorter than its offset");
	*ret_plain = slice_of(r->plain + skip, opened - skip < len ? opened - skip : (size_t)len);
	return ERR_OK;
}
