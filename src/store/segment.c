#include "store/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/encode.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"

static const char magic[] = "cloister.segment/v1\n";
enum {
	MAGIC_BYTES = sizeof magic - 1,
	HEAD_BYTES = 9,
	NAME_BYTES = 32,
	BATCH_RECORDS = 128,  /* two iovecs each: well under IOV_MAX */
	FIRST_OF_CALL = 0x80, /* in the type: everything before this record was durable when it was written */
};

/* A segment that was read lately stays open. Readers hold the lock while they read, so that its place is given to
 * another segment only between reads. */
struct kept {
	pthread_rwlock_t lock;
	uint32_t segment;
	int fd;
};

struct segments {
	int dir_fd;
	int fd;        /* the last segment, for appending and reading */
	uint32_t last; /* its number; they count from 0 without gaps */
	uint32_t end;
	bool has_replayed;
	atomic_bool is_broken; /* a failed write could not be undone, or what was written could not be indexed */
	struct kept kept[STORE_SEGMENTS_KEPT];
};

static void name_of(uint32_t segment, char out[static NAME_BYTES])
{
	snprintf(out, NAME_BYTES, "segment-%08" PRIx32, segment);
}

static void put_u32be(uint8_t *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_u32be(const uint8_t *in)
{
	return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

/* The CRC covers length, type and payload, so that no field of the head can rot unseen, and the place, so that a record
 * within another's payload is none. */
static uint32_t crc_of(struct segment_at at, uint8_t type, struct slice payload)
{
	uint8_t covered[13];

	put_u32be(covered, (uint32_t)payload.len);
	covered[4] = type;
	put_u32be(covered + 5, at.segment);
	put_u32be(covered + 9, at.offset);
	return crc32c(crc32c(0, slice_of(covered, sizeof covered)), payload);
}

static int segment_create(struct segments *s, uint32_t number, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	char name[NAME_BYTES];

	name_of(number, name);
	TRY(path_open_beneath(s->dir_fd, name, O_RDWR | O_CREAT, 0600, &fd, reterr_why));
	TRY(fd_pwrite_all(fd, slice_of(magic, MAGIC_BYTES), 0, reterr_why));
	ENSURE_SYS(fdatasync(fd) == 0 && fsync(s->dir_fd) == 0, reterr_why, "cannot make %s durable", name);
	fd_closep(&s->fd);
	s->fd = take_fd(fd);
	s->last = number;
	s->end = MAGIC_BYTES;
	return ERR_OK;
}

/* The number in a segment's name; false for any other name. */
static bool number_of(const char *name, uint32_t *ret_number)
{
	uint8_t bytes[4];

	if (!slice_starts_with(slice_str(name), "segment-") ||
	    hex_decode(slice_str(name + strlen("segment-")), bytes, sizeof bytes, NULL) != ERR_OK)
		return false;
	*ret_number = get_u32be(bytes);
	return true;
}

/* The highest segment number in the directory; ERR_NOTFOUND if there is none. */
static int find_last(int dir_fd, uint32_t *ret_last, struct why *reterr_why)
{
	uint32_t last = 0, number;
	struct dirent *entry;
	bool any = false;
	int copy;
	DIR *dir;

	TRY(path_open_beneath(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0, &copy, reterr_why));
	dir = fdopendir(copy);
	if (!dir) {
		close(copy);
		return why_errno(reterr_why, errno, "cannot list the segments");
	}
	while ((entry = readdir(dir)))
		if (number_of(entry->d_name, &number)) {
			last = number > last ? number : last;
			any = true;
		}
	closedir(dir);
	ENSURE(any, ERR_NOTFOUND, reterr_why, "there are no segments");
	*ret_last = last;
	return ERR_OK;
}

int segments_open(int dir_fd, struct segments **ret_segments, struct why *reterr_why)
{
	CLEANUP(segments_closep) struct segments *s = calloc(1, sizeof *s);
	char name[NAME_BYTES];
	int err;

	ENSURE(s, ERR_UNAVAILABLE, reterr_why, "out of memory for the segments");
	s->fd = -1;
	for (size_t i = 0; i < STORE_SEGMENTS_KEPT; i++) {
		pthread_rwlock_init(&s->kept[i].lock, NULL);
		s->kept[i].fd = -1;
	}
	s->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	ENSURE_SYS(s->dir_fd >= 0, reterr_why, "cannot keep the directory of segments");
	err = find_last(s->dir_fd, &s->last, reterr_why);
	if (err == ERR_NOTFOUND) {
		TRY(segment_create(s, 0, reterr_why));
	} else {
		TRY(err);
		name_of(s->last, name);
		TRY(path_open_beneath(s->dir_fd, name, O_RDWR, 0, &s->fd, reterr_why));
	}
	*ret_segments = take_ptr(s);
	return ERR_OK;
}

void segments_close(struct segments *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < STORE_SEGMENTS_KEPT; i++) {
		pthread_rwlock_destroy(&s->kept[i].lock);
		fd_closep(&s->kept[i].fd);
	}
	fd_closep(&s->fd);
	fd_closep(&s->dir_fd);
	free(s);
}

void segments_closep(struct segments **s)
{
	segments_close(*s);
	*s = NULL;
}

/* Reads the record at the cursor, whose place is filled in; ERR_INVALID if it is cut short or does not match its CRC.
 */
static int take_record(struct cursor *c, struct segment_record *ret_record, struct why *reterr_why)
{
	struct slice head, payload;
	uint32_t len;

	TRY(cursor_take(c, HEAD_BYTES, &head, reterr_why));
	len = get_u32be(head.ptr);
	ENSURE(len <= STORE_RECORD_BYTES_MAX, ERR_INVALID, reterr_why, "a record of %u bytes", len);
	TRY(cursor_take(c, len, &payload, reterr_why));
	ENSURE(crc_of(ret_record->at, head.ptr[8], payload) == get_u32be(head.ptr + 4), ERR_INVALID, reterr_why,
	       "its checksum does not match");
	ret_record->type = (uint8_t)(head.ptr[8] & ~FIRST_OF_CALL);
	ret_record->payload = payload;
	ret_record->at.length = len;
	return ERR_OK;
}

/* Whether the first record of some later call stands behind a place. Then what is wrong at the place is not a write
 * that was cut short: no call writes before the one in front of it is durable. */
static bool has_call_behind(struct slice map, uint32_t segment, uint32_t offset)
{
	for (size_t at = (size_t)offset + 1; at + HEAD_BYTES <= map.len; at++) {
		struct segment_record record = {.at = {segment, (uint32_t)at, 0}};
		struct cursor c = cursor_of(slice_of(map.ptr + at, map.len - at));

		if (map.ptr[at + 8] & FIRST_OF_CALL && take_record(&c, &record, NULL) == ERR_OK)
			return true;
	}
	return false;
}

/* Whether a place is where a record begins, or where the last one ends. */
static bool is_place(struct slice map, uint32_t segment, uint32_t offset)
{
	uint32_t at = MAGIC_BYTES;

	while (at < offset) {
		struct segment_record record = {.at = {segment, at, 0}};
		struct cursor c = cursor_of(slice_of(map.ptr + at, map.len - at));

		if (take_record(&c, &record, NULL) != ERR_OK)
			return false;
		at = (uint32_t)(map.len - c.rest.len);
	}
	return at == offset;
}

/* Applies the records of one mapped segment; *ret_end is where the good ones end. */
static int replay_mapped(struct slice map, uint32_t segment, uint32_t offset, segment_apply *apply, void *ctx,
                         uint32_t *ret_end, bool *ret_is_torn, struct why *reterr_why)
{
	struct cursor c = cursor_of(slice_of(map.ptr + offset, map.len - offset));
	struct segment_record record;

	*ret_is_torn = true;
	while (c.rest.len) {
		record.at.segment = segment;
		record.at.offset = (uint32_t)(map.len - c.rest.len);
		if (take_record(&c, &record, NULL) != ERR_OK) {
			ENSURE(is_place(map, segment, offset), ERR_TAMPERED, reterr_why,
			       "the index knows segment %u up to byte %u, where no record begins; remove the index and "
			       "it will be rebuilt",
			       segment, offset);
			*ret_end = record.at.offset;
			*ret_is_torn = !has_call_behind(map, segment, record.at.offset);
			return ERR_OK;
		}
		TRY(apply(ctx, &record, reterr_why));
	}
	*ret_end = (uint32_t)map.len;
	return ERR_OK;
}

static int replay_one(struct segments *s, uint32_t segment, uint32_t offset, segment_apply *apply, void *ctx,
                      struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	char name[NAME_BYTES];
	bool is_torn;
	struct stat st;
	uint32_t end;
	void *map;
	int err;

	name_of(segment, name);
	TRY(path_open_beneath(s->dir_fd, name, O_RDONLY, 0, &fd, reterr_why));
	ENSURE_SYS(fstat(fd, &st) == 0, reterr_why, "cannot stat %s", name);
	/* A crash between making a segment and its magic leaves it short: nothing in it was acknowledged. */
	if (segment == s->last && st.st_size < MAGIC_BYTES)
		return segment_create(s, segment, reterr_why);
	ENSURE(st.st_size >= MAGIC_BYTES && st.st_size <= UINT32_MAX && offset <= st.st_size, ERR_TAMPERED, reterr_why,
	       "%s has %lld bytes, which cannot be; restore it from a backup", name, (long long)st.st_size);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	ENSURE_SYS(map != MAP_FAILED, reterr_why, "cannot map %s", name);
	err = slice_starts_with(slice_of(map, MAGIC_BYTES), magic) ? ERR_OK : ERR_TAMPERED;
	if (err == ERR_OK)
		err = replay_mapped(slice_of(map, (size_t)st.st_size), segment, offset ? offset : MAGIC_BYTES, apply,
		                    ctx, &end, &is_torn, reterr_why);
	else
		why_set(reterr_why, "%s is not a segment of this store", name);
	munmap(map, (size_t)st.st_size);
	TRY(err);
	ENSURE(end == st.st_size || (segment == s->last && is_torn), ERR_TAMPERED, reterr_why,
	       "%s is damaged at byte %u; restore it from a backup", name, end);
	if (segment != s->last)
		return ERR_OK;
	s->end = end;
	ENSURE_SYS(end == st.st_size || (ftruncate(s->fd, end) == 0 && fdatasync(s->fd) == 0), reterr_why,
	           "cannot cut the torn end off %s", name);
	return ERR_OK;
}

int segments_replay(struct segments *s, uint32_t segment, uint32_t offset, segment_apply *apply, void *ctx,
                    struct why *reterr_why)
{
	ENSURE(segment <= s->last, ERR_TAMPERED, reterr_why,
	       "the index knows segment %u and the last one here is %u; restore the missing ones from a backup",
	       segment, s->last);
	for (uint32_t i = segment; i <= s->last; i++, offset = 0)
		TRY(replay_one(s, i, offset, apply, ctx, reterr_why));
	s->has_replayed = true;
	return ERR_OK;
}

static int write_vector(int fd, struct iovec *vec, int count, uint64_t offset, struct why *reterr_why)
{
	while (count) {
		ssize_t done = pwritev(fd, vec, count, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		ENSURE_SYS(done >= 0, reterr_why, "cannot write to the store");
		offset += (uint64_t)done;
		for (; count && (size_t)done >= vec->iov_len; vec++, count--)
			done -= (ssize_t)vec->iov_len;
		if (count) {
			vec->iov_base = (uint8_t *)vec->iov_base + done;
			vec->iov_len -= (size_t)done;
		}
	}
	return ERR_OK;
}

/* Up to BATCH_RECORDS at the end of the last segment, not yet durable. `flag` goes into the first one's type. */
static int write_batch(struct segments *s, struct segment_record *records, size_t count, uint8_t flag,
                       struct why *reterr_why)
{
	uint8_t heads[BATCH_RECORDS][HEAD_BYTES];
	struct iovec vec[2 * BATCH_RECORDS];
	uint64_t end = s->end;

	for (size_t i = 0; i < count; i++) {
		struct segment_record *r = &records[i];

		r->at = (struct segment_at){s->last, (uint32_t)end, (uint32_t)r->payload.len};
		heads[i][8] = (uint8_t)(r->type | (i == 0 ? flag : 0));
		put_u32be(heads[i], (uint32_t)r->payload.len);
		put_u32be(heads[i] + 4, crc_of(r->at, heads[i][8], r->payload));
		vec[2 * i] = (struct iovec){heads[i], HEAD_BYTES};
		vec[2 * i + 1] = (struct iovec){(void *)(uintptr_t)r->payload.ptr, r->payload.len};
		end += HEAD_BYTES + r->payload.len;
	}
	TRY(write_vector(s->fd, vec, 2 * (int)count, s->end, reterr_why));
	s->end = (uint32_t)end;
	return ERR_OK;
}

/* Undoes what a failed write left, so that the records before it stay the end. */
static void cut_back(struct segments *s, uint32_t end)
{
	s->end = end;
	if (ftruncate(s->fd, end) != 0 || fdatasync(s->fd) != 0)
		s->is_broken = true;
}

static int write_durably(struct segments *s, struct segment_record *records, size_t count, struct why *reterr_why)
{
	for (size_t at = 0; at < count; at += BATCH_RECORDS)
		TRY(write_batch(s, records + at, count - at < BATCH_RECORDS ? count - at : BATCH_RECORDS,
		                at == 0 ? FIRST_OF_CALL : 0, reterr_why));
	ENSURE_SYS(fdatasync(s->fd) == 0, reterr_why, "cannot make a write to the store durable");
	return ERR_OK;
}

static int check_before_write(const struct segments *s, const struct segment_record *records, size_t count,
                              struct why *reterr_why)
{
	ENSURE(s->has_replayed, ERR_INTERNAL, reterr_why, "segments are written before they were read");
	ENSURE(!s->is_broken, ERR_UNAVAILABLE, reterr_why,
	       "an earlier write to the store failed and could not be completed; restart Cloister once the disk is "
	       "well");
	/* A call's records stay in one segment, so that it can be undone as a whole; the bound keeps offsets in 32
	 * bits. */
	ENSURE(count <= STORE_COMMIT_QUEUE_MAX, ERR_LIMIT, reterr_why, "%zu records at once; at most %d are accepted",
	       count, STORE_COMMIT_QUEUE_MAX);
	for (size_t i = 0; i < count; i++)
		ENSURE(records[i].payload.len <= STORE_RECORD_BYTES_MAX, ERR_LIMIT, reterr_why,
		       "a record of %zu bytes; at most %d are accepted", records[i].payload.len,
		       STORE_RECORD_BYTES_MAX);
	return ERR_OK;
}

int segments_write(struct segments *s, struct segment_record *records, size_t count, struct why *reterr_why)
{
	uint32_t before;
	int err;

	TRY(check_before_write(s, records, count, reterr_why));
	if (s->end >= STORE_SEGMENT_BYTES)
		TRY(segment_create(s, s->last + 1, reterr_why));
	before = s->end;
	err = write_durably(s, records, count, reterr_why);
	if (err != ERR_OK)
		cut_back(s, before);
	return err;
}

void segments_refuse_writes(struct segments *s)
{
	s->is_broken = true;
}

bool segments_refuses_writes(const struct segments *s)
{
	return s->is_broken;
}

static int check_read(const uint8_t head[static HEAD_BYTES], uint8_t type, struct slice payload, struct segment_at at,
                      struct why *reterr_why)
{
	ENSURE(payload.len == at.length && get_u32be(head) == at.length && (head[8] & ~FIRST_OF_CALL) == type &&
	               crc_of(at, head[8], payload) == get_u32be(head + 4),
	       ERR_TAMPERED, reterr_why,
	       "the record at byte %u of segment-%08" PRIx32 " is damaged; restore it from a backup", at.offset,
	       at.segment);
	return ERR_OK;
}

static int read_from(int fd, struct segment_at at, uint8_t type, struct buf *into, struct why *reterr_why)
{
	uint8_t head[HEAD_BYTES], *room;
	size_t head_len, len;

	/* The place comes from the index, which somebody may have altered. */
	ENSURE(at.length <= STORE_RECORD_BYTES_MAX, ERR_TAMPERED, reterr_why,
	       "the index names a record of %u bytes in segment-%08" PRIx32 "; remove the index and it will be rebuilt",
	       at.length, at.segment);
	TRY(buf_reserve(into, at.length, &room, reterr_why));
	TRY(fd_pread_full(fd, head, HEAD_BYTES, at.offset, &head_len, reterr_why));
	TRY(fd_pread_full(fd, room, at.length, (uint64_t)at.offset + HEAD_BYTES, &len, reterr_why));
	if (head_len < HEAD_BYTES) /* the segment was cut: no head will match */
		memset(head, 0, sizeof head);
	TRY(check_read(head, type, slice_of(room, len), at, reterr_why));
	buf_commit(into, at.length);
	return ERR_OK;
}

/* Exchanges what is kept open for this segment, unless somebody reads there: then the next reader tries. */
static void keep_open(struct kept *k, uint32_t segment, int *fd)
{
	int before;

	if (pthread_rwlock_trywrlock(&k->lock) != 0)
		return;
	before = k->fd;
	k->fd = *fd;
	k->segment = segment;
	pthread_rwlock_unlock(&k->lock);
	*fd = before;
}

int segments_read(struct segments *s, struct segment_at at, uint8_t type, struct buf *into, struct why *reterr_why)
{
	struct kept *k = &s->kept[at.segment % STORE_SEGMENTS_KEPT];
	CLEANUP(fd_closep) int fd = -1;
	char name[NAME_BYTES];
	bool is_kept;
	int err;

	pthread_rwlock_rdlock(&k->lock);
	is_kept = k->fd >= 0 && k->segment == at.segment;
	err = is_kept ? read_from(k->fd, at, type, into, reterr_why) : ERR_OK;
	pthread_rwlock_unlock(&k->lock);
	if (is_kept)
		return err;
	name_of(at.segment, name);
	TRY(path_open_beneath(s->dir_fd, name, O_RDONLY, 0, &fd, reterr_why));
	TRY(read_from(fd, at, type, into, reterr_why));
	keep_open(k, at.segment, &fd);
	return ERR_OK;
}

void segments_end(const struct segments *s, uint32_t *ret_segment, uint32_t *ret_offset)
{
	*ret_segment = s->last;
	*ret_offset = s->end;
}
