#include "audit/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "crypto/hash.h"

static const char head_magic[] = "cloister.journal/v1\n";

/* magic, lp(origin), u32 segment, u64 zero for later use, SHA-256 of all that; padded with zeros. */
enum { SEGMENT_HEAD_BYTES = 512, SEGMENT_NAME_BYTES = 24 };

/* Nearly every item is read with one short read; the rest with a second one. */
enum { ITEM_USUAL_BYTES = 4096 };

/* 64 PiB of journal. */
enum { SEGMENTS_MAX = 1 << 30 };

struct journal {
	int dir_fd;
	char origin[NOTE_NAME_BYTES_MAX + 1];
	uint32_t last;    /* the segment that is appended to */
	int fd;           /* of that segment */
	uint64_t end;     /* its length in whole frames */
	uint64_t torn;    /* bytes that were cut off its end */
	bool is_poisoned; /* what is on the disk is no longer known */
	uint32_t old;     /* another segment that is open for reading, 0 for none */
	int old_fd;
	struct buf *scratch; /* of the frame or item read last */
};

static void segment_name(uint32_t segment, char out[static SEGMENT_NAME_BYTES])
{
	snprintf(out, SEGMENT_NAME_BYTES, "journal-%08" PRIu32, segment);
}

/* --- segment heads ------------------------------------------------------------------------------------------------ */

static int make_head(const struct journal *j, uint32_t segment, uint8_t out[static SEGMENT_HEAD_BYTES],
                     struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *head = NULL;
	uint8_t digest[SHA256_BYTES];

	TRY(buf_new(SEGMENT_HEAD_BYTES, &head, reterr_why));
	TRY(buf_put_str(head, head_magic, reterr_why));
	TRY(buf_put_lp(head, slice_str(j->origin), reterr_why));
	TRY(buf_put_u32be(head, segment, reterr_why));
	TRY(buf_put_u64be(head, 0, reterr_why));
	sha256(buf_slice(head), digest);
	TRY(buf_put(head, slice_of(digest, sizeof digest), reterr_why));
	memset(out, 0, SEGMENT_HEAD_BYTES);
	memcpy(out, buf_slice(head).ptr, buf_len(head));
	return ERR_OK;
}

/* A head is right only if it is what we would write. *ret_is_whole is false if the file is shorter than a head. */
static int check_head(const struct journal *j, int fd, uint32_t segment, bool *ret_is_whole, struct why *reterr_why)
{
	uint8_t found[SEGMENT_HEAD_BYTES], expected[SEGMENT_HEAD_BYTES];
	char name[SEGMENT_NAME_BYTES];
	size_t len;

	segment_name(segment, name);
	TRY(fd_pread_full(fd, found, sizeof found, 0, &len, reterr_why));
	*ret_is_whole = len == sizeof found;
	if (!*ret_is_whole)
		return ERR_OK;
	TRY(make_head(j, segment, expected, reterr_why));
	ENSURE(slice_equal(slice_of(found, sizeof found), slice_of(expected, sizeof expected)), ERR_TAMPERED,
	       reterr_why, "%s is not segment %" PRIu32 " of the journal of %s", name, segment, j->origin);
	return ERR_OK;
}

static int open_segment(const struct journal *j, uint32_t segment, int *ret_fd, bool *ret_is_whole,
                        struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	char name[SEGMENT_NAME_BYTES];

	segment_name(segment, name);
	TRY(path_open_beneath(j->dir_fd, name, O_RDWR, 0, &fd, reterr_why));
	TRY(check_head(j, fd, segment, ret_is_whole, reterr_why));
	*ret_fd = take_fd(fd);
	return ERR_OK;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* Only "it is not there" may be read as that: a journal that cannot be looked at must not be begun anew. */
static int has_segment(const struct journal *j, uint32_t segment, bool *ret_has, struct why *reterr_why)
{
	char name[SEGMENT_NAME_BYTES];
	struct stat st;

	segment_name(segment, name);
	*ret_has = fstatat(j->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	ENSURE_SYS(*ret_has || errno == ENOENT, reterr_why, "cannot look for %s", name);
	return ERR_OK;
}

/* Segments are numbered without a gap, so the last one is found by doubling and halving. */
static int find_last(const struct journal *j, uint32_t *ret_last, struct why *reterr_why)
{
	uint32_t below = 0, above = 1;
	bool has;

	for (;;) {
		TRY(has_segment(j, above, &has, reterr_why));
		if (!has)
			break;
		below = above;
		above *= 2;
		ENSURE(above <= SEGMENTS_MAX, ERR_LIMIT, reterr_why, "a journal of %" PRIu32 " segments", below);
	}
	while (above - below > 1) {
		uint32_t middle = below + (above - below) / 2;

		TRY(has_segment(j, middle, &has, reterr_why));
		if (has)
			below = middle;
		else
			above = middle;
	}
	*ret_last = below;
	return ERR_OK;
}

/* Makes a segment and goes over to it. One that is there already, with nothing in it, was made by a call that failed
 * behind that. */
static int begin_segment(struct journal *j, uint32_t segment, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	uint8_t head[SEGMENT_HEAD_BYTES];
	char name[SEGMENT_NAME_BYTES];
	bool has, is_whole;
	struct stat st;

	segment_name(segment, name);
	TRY(has_segment(j, segment, &has, reterr_why));
	if (!has) {
		TRY(make_head(j, segment, head, reterr_why));
		TRY(file_create(j->dir_fd, name, 0600, slice_of(head, sizeof head), reterr_why));
	}
	TRY(open_segment(j, segment, &fd, &is_whole, reterr_why));
	ENSURE_SYS(fstat(fd, &st) == 0, reterr_why, "cannot measure %s", name);
	ENSURE(st.st_size == SEGMENT_HEAD_BYTES, ERR_TAMPERED, reterr_why,
	       "%s is there although nothing was written to it", name);
	fd_closep(&j->fd);
	j->fd = take_fd(fd);
	j->last = segment;
	j->end = SEGMENT_HEAD_BYTES;
	return ERR_OK;
}

static int take_up_last(struct journal *j, struct why *reterr_why)
{
	bool is_whole;
	off_t size;

	TRY(open_segment(j, j->last, &j->fd, &is_whole, reterr_why));
	ENSURE(is_whole, ERR_TAMPERED, reterr_why, "the last segment of the journal of %s is cut short within its head",
	       j->origin);
	size = lseek(j->fd, 0, SEEK_END);
	ENSURE_SYS(size >= 0, reterr_why, "cannot measure the journal");
	j->end = (uint64_t)size;
	return ERR_OK;
}

int journal_open(int dir_fd, struct slice origin, struct journal **ret_journal, struct why *reterr_why)
{
	CLEANUP(journal_freep) struct journal *j = calloc(1, sizeof *j);

	ENSURE(j, ERR_UNAVAILABLE, reterr_why, "out of memory for the journal");
	j->dir_fd = dir_fd;
	j->fd = j->old_fd = -1;
	TRY(slice_to_str(origin, j->origin, sizeof j->origin, reterr_why));
	TRY(buf_new(LEDGER_FRAME_BYTES_MAX, &j->scratch, reterr_why));
	TRY(find_last(j, &j->last, reterr_why));
	if (j->last == 0)
		TRY(begin_segment(j, 1, reterr_why));
	else
		TRY(take_up_last(j, reterr_why));
	*ret_journal = take_ptr(j);
	return ERR_OK;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	fd_closep(&j->fd);
	fd_closep(&j->old_fd);
	buf_free(j->scratch);
	free(j);
}

void journal_freep(struct journal **j)
{
	journal_free(*j);
	*j = NULL;
}

uint64_t journal_torn_bytes(const struct journal *j)
{
	return j->torn;
}

struct journal_place journal_start(void)
{
	return (struct journal_place){1, SEGMENT_HEAD_BYTES};
}

struct journal_place journal_end(const struct journal *j)
{
	return (struct journal_place){j->last, (uint32_t)j->end};
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* The descriptor of a segment; the one read last is kept open beside the one appended to. */
static int segment_fd(struct journal *j, uint32_t segment, int *ret_fd, struct why *reterr_why)
{
	bool is_whole;

	if (segment == j->last) {
		*ret_fd = j->fd;
		return ERR_OK;
	}
	if (segment != j->old) {
		fd_closep(&j->old_fd);
		j->old = 0;
		TRY(open_segment(j, segment, &j->old_fd, &is_whole, reterr_why));
		j->old = segment;
	}
	*ret_fd = j->old_fd;
	return ERR_OK;
}

/* Reads up to `len` bytes at a place into the scratch buffer. */
static int read_at(struct journal *j, struct journal_place place, size_t len, struct slice *ret_bytes,
                   struct why *reterr_why)
{
	uint8_t *room;
	size_t got;
	int fd;

	TRY(segment_fd(j, place.segment, &fd, reterr_why));
	buf_reset(j->scratch);
	TRY(buf_reserve(j->scratch, len, &room, reterr_why));
	TRY(fd_pread_full(fd, room, len, place.offset, &got, reterr_why));
	buf_commit(j->scratch, got);
	*ret_bytes = buf_slice(j->scratch);
	return ERR_OK;
}

/* The frame's own word on its length, 0 if there is none; it is checked when the frame is parsed. */
static size_t announced_len(struct slice head)
{
	struct cursor c = cursor_of(head);
	uint32_t len = 0;
	struct slice magic;

	if (cursor_take(&c, 8, &magic, NULL) != ERR_OK || cursor_take_u32be(&c, &len, NULL) != ERR_OK)
		return 0;
	return len <= LEDGER_FRAME_BYTES_MAX ? len : 0;
}

/* Whether a whole frame stands anywhere behind a place. Then what is wrong at the place is not a torn last write, since
 * no frame is written before the one in front of it is durable. */
static int has_frame_behind(struct journal *j, struct journal_place place, bool *ret_has, struct why *reterr_why)
{
	uint64_t remaining = j->end > place.offset ? j->end - place.offset : 0;
	CLEANUP(free_p) uint8_t *bytes = malloc(remaining + 1);
	const uint8_t *at = bytes, *found;
	size_t len;

	ENSURE(bytes, ERR_UNAVAILABLE, reterr_why, "out of memory for the end of the journal");
	TRY(fd_pread_full(j->fd, bytes, remaining, place.offset, &len, reterr_why));
	*ret_has = false;
	while (!*ret_has && (found = memmem(at, (size_t)(bytes + len - at), "CLFRAME1", 8))) {
		struct journal_frame frame;
		int err = journal_frame_parse(slice_of(found, (size_t)(bytes + len - found)), &frame, reterr_why);

		if (err != ERR_INVALID)
			TRY(err);
		*ret_has = found > bytes && err == ERR_OK;
		at = found + 1;
	}
	return ERR_OK;
}

/* What stands at the place is not a frame. At the very end of the journal it is the batch that was being written when
 * the machine stopped: nobody was told of it, and it goes. */
static int cut_torn_end(struct journal *j, struct journal_place place, struct why *reterr_why)
{
	char name[SEGMENT_NAME_BYTES];
	bool has_frame = false;

	segment_name(place.segment, name);
	if (place.segment == j->last)
		TRY(has_frame_behind(j, place, &has_frame, reterr_why));
	ENSURE(place.segment == j->last && !has_frame, ERR_TAMPERED, reterr_why,
	       "%s is damaged at byte %" PRIu32 ", and what follows was written later", name, place.offset);
	ENSURE_SYS(ftruncate(j->fd, place.offset) == 0 && fdatasync(j->fd) == 0, reterr_why,
	           "cannot cut the torn end off %s", name);
	j->torn += j->end - place.offset;
	j->end = place.offset;
	return ERR_OK;
}

/* Moves to the next segment if the place is at the end of its own. *ret_has: whether there is anything at the place. */
static int seek_frame(struct journal *j, struct journal_place *place, bool *ret_has, struct why *reterr_why)
{
	struct stat st;
	int fd;

	TRY(segment_fd(j, place->segment, &fd, reterr_why));
	ENSURE_SYS(fstat(fd, &st) == 0, reterr_why, "cannot measure the journal");
	if (place->segment < j->last && place->offset == (uint64_t)st.st_size) {
		*place = (struct journal_place){place->segment + 1, SEGMENT_HEAD_BYTES};
		return seek_frame(j, place, ret_has, reterr_why);
	}
	ENSURE(place->offset <= (uint64_t)st.st_size, ERR_TAMPERED, reterr_why,
	       "segment %" PRIu32 " of the journal ends at byte %" PRIu64 ", before byte %" PRIu32
	       " up to which it was settled",
	       place->segment, (uint64_t)st.st_size, place->offset);
	*ret_has = place->offset < (uint64_t)st.st_size;
	return ERR_OK;
}

int journal_read_frame(struct journal *j, struct journal_place *place, bool *ret_has, struct journal_frame *ret_frame,
                       struct why *reterr_why)
{
	struct journal_place at = *place;
	struct slice bytes;
	int err;
	bool has;

	TRY(seek_frame(j, &at, &has, reterr_why));
	if (has) {
		TRY(read_at(j, at, JOURNAL_HEAD_BYTES, &bytes, reterr_why));
		TRY(read_at(j, at, announced_len(bytes), &bytes, reterr_why));
		err = journal_frame_parse(bytes, ret_frame, reterr_why);
		has = err == ERR_OK;
		if (err == ERR_INVALID)
			TRY(cut_torn_end(j, at, reterr_why));
		else
			TRY(err);
	}
	if (has)
		at.offset += (uint32_t)ret_frame->total_len;
	*place = at;
	*ret_has = has;
	return ERR_OK;
}

int journal_read_item(struct journal *j, struct journal_place place, struct journal_item *ret_item,
                      struct why *reterr_why)
{
	static const size_t steps[] = {ITEM_USUAL_BYTES, JOURNAL_ITEM_BYTES_MAX};
	char name[SEGMENT_NAME_BYTES];
	int err = ERR_INVALID;

	for (size_t i = 0; i < 2 && err == ERR_INVALID; i++) {
		struct slice bytes;
		struct cursor c;

		TRY(read_at(j, place, steps[i], &bytes, reterr_why));
		c = cursor_of(bytes);
		err = journal_item_take(&c, ret_item, reterr_why);
	}
	if (err == ERR_OK)
		return ERR_OK;
	segment_name(place.segment, name);
	why_prefix(reterr_why, "%s is damaged at byte %" PRIu32 ": ", name, place.offset);
	return err == ERR_INVALID ? ERR_TAMPERED : err;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* After a failed write the half-written frame is taken back. After a failed fdatasync nobody knows what the disk holds:
 * the kernel forgets the pages that it could not write, so trying again would prove nothing. */
static int append_to_segment(struct journal *j, struct slice frame, struct why *reterr_why)
{
	int err = fd_pwrite_all(j->fd, frame, j->end, reterr_why);

	if (err != ERR_OK) {
		j->is_poisoned = ftruncate(j->fd, (off_t)j->end) != 0;
	} else if (fdatasync(j->fd) != 0) {
		err = why_errno(reterr_why, errno, "fdatasync failed");
		j->is_poisoned = true;
	}
	if (err != ERR_OK)
		why_prefix(reterr_why, "the ledger's journal cannot be written; nothing was logged: ");
	return err == ERR_OK ? ERR_OK : ERR_UNAVAILABLE;
}

int journal_append(struct journal *j, struct slice frame, struct journal_place *ret_place, struct why *reterr_why)
{
	struct journal_place place;

	ENSURE(!j->is_poisoned, ERR_UNAVAILABLE, reterr_why,
	       "the ledger's journal failed while it was being written; free the disk or replace it, and restart the "
	       "ledger");
	if (j->end + frame.len > LEDGER_SEGMENT_BYTES_MAX)
		TRY(begin_segment(j, j->last + 1, reterr_why));
	place = journal_end(j);
	TRY(append_to_segment(j, frame, reterr_why));
	j->end += frame.len;
	*ret_place = place;
	return ERR_OK;
}

int journal_rewrite(struct journal *j, struct journal_place place, struct why *reterr_why)
{
	struct slice bytes;

	ENSURE(place.segment == j->last, ERR_INTERNAL, reterr_why, "only the last frame is written again");
	TRY(read_at(j, place, j->end - place.offset, &bytes, reterr_why));
	TRY(fd_pwrite_all(j->fd, bytes, place.offset, reterr_why));
	ENSURE_SYS(fdatasync(j->fd) == 0, reterr_why, "cannot make the end of the journal durable");
	return ERR_OK;
}

int journal_erase_item(struct journal *j, struct journal_place place, struct why *reterr_why)
{
	static const uint8_t erased = 1;
	CLEANUP(free_p) uint8_t *zeros = NULL;
	struct journal_item item;
	uint64_t at;
	int fd;

	TRY(journal_read_item(j, place, &item, reterr_why));
	zeros = calloc(1, item.sealed.len + 1);
	ENSURE(zeros, ERR_UNAVAILABLE, reterr_why, "out of memory to erase a record");
	TRY(segment_fd(j, place.segment, &fd, reterr_why));
	at = place.offset + item.erase_at;
	/* The state first: a record that is half zeros must not look like one that somebody altered. */
	TRY(fd_pwrite_all(fd, slice_of(&erased, 1), at, reterr_why));
	ENSURE_SYS(fdatasync(fd) == 0, reterr_why, "cannot erase a record");
	TRY(fd_pwrite_all(fd, slice_of(zeros, item.sealed.len), at + 1, reterr_why));
	ENSURE_SYS(fdatasync(fd) == 0, reterr_why, "cannot erase a record");
	return ERR_OK;
}
