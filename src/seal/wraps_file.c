#include "seal/wraps_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"

enum {
	SIDECAR_MAGIC_BYTES = sizeof SEAL_SIDECAR_MAGIC - 1,
	SIDECAR_BYTES_MAX = SIDECAR_MAGIC_BYTES + SEAL_HASH_BYTES + 4 + SEAL_WRAPS_BYTES_MAX,
	NAME_BYTES = 256 + sizeof SEAL_SIDECAR_SUFFIX,
};

static int sidecar_name(const char *name, char out[static NAME_BYTES], struct why *reterr_why)
{
	int len = snprintf(out, NAME_BYTES, "%s" SEAL_SIDECAR_SUFFIX, name);

	ENSURE(len > 0 && len < NAME_BYTES, ERR_LIMIT, reterr_why, "a file name of %zu bytes is too long",
	       strlen(name));
	return ERR_OK;
}

int seal_sidecar_parse(struct slice bytes, uint8_t ret_core_hash[static SEAL_HASH_BYTES], struct seal_wraps **ret_wraps,
                       struct why *reterr_why)
{
	struct cursor in = cursor_of(bytes);
	struct slice magic, hash, list;

	ENSURE(slice_starts_with(bytes, SEAL_SIDECAR_MAGIC), ERR_INVALID, reterr_why,
	       "not the wraps of a sealed file: it does not begin with cloister.wraps/v1");
	TRY(cursor_take(&in, SIDECAR_MAGIC_BYTES, &magic, reterr_why));
	TRY(cursor_take(&in, SEAL_HASH_BYTES, &hash, reterr_why));
	TRY(cursor_take_lp(&in, SEAL_WRAPS_BYTES_MAX, &list, reterr_why));
	TRY(cursor_finish(&in, reterr_why));
	TRY(seal_wraps_parse(list, ret_wraps, reterr_why));
	memcpy(ret_core_hash, hash.ptr, SEAL_HASH_BYTES);
	return ERR_OK;
}

int seal_sidecar_load(int dir_fd, const char *name, const uint8_t core_hash[static SEAL_HASH_BYTES],
                      struct seal_wraps **ret_wraps, struct why *reterr_why)
{
	CLEANUP(seal_wraps_freep) struct seal_wraps *wraps = NULL;
	CLEANUP(buf_freep) struct buf *bytes = NULL;
	uint8_t found[SEAL_HASH_BYTES];
	char sidecar[NAME_BYTES];
	int err;

	TRY(sidecar_name(name, sidecar, reterr_why));
	TRY(buf_new(SIDECAR_BYTES_MAX, &bytes, reterr_why));
	err = file_read(dir_fd, sidecar, bytes, reterr_why);
	if (err == ERR_NOTFOUND) {
		*ret_wraps = NULL;
		return ERR_OK;
	}
	TRY(err);
	err = seal_sidecar_parse(buf_slice(bytes), found, &wraps, reterr_why);
	if (err != ERR_OK) {
		why_prefix(reterr_why, "%s: ", sidecar);
		return err;
	}
	*ret_wraps = bytes_equal_ct(found, core_hash, sizeof found) ? take_ptr(wraps) : NULL;
	return ERR_OK;
}

/* Opens the sealed file and reads its head. */
static int open_head(int dir_fd, const char *name, int flags, struct buf *head_bytes, int *ret_fd,
                     struct seal_head *ret_head, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	int err;

	TRY(path_open_beneath(dir_fd, name, flags, 0, &fd, reterr_why));
	err = seal_head_read(fd, head_bytes, ret_head, reterr_why);
	if (err != ERR_OK) {
		why_prefix(reterr_why, "%s: ", name);
		return err;
	}
	*ret_fd = take_fd(fd);
	return ERR_OK;
}

int seal_wraps_load(int dir_fd, const char *name, struct seal_wraps **ret_wraps,
                    uint8_t ret_core_hash[static SEAL_HASH_BYTES], struct why *reterr_why)
{
	CLEANUP(seal_wraps_freep) struct seal_wraps *wraps = NULL;
	CLEANUP(buf_freep) struct buf *head_bytes = NULL;
	CLEANUP(fd_closep) int fd = -1;
	struct seal_head head;

	TRY(buf_new(SEAL_HEAD_BYTES_MAX, &head_bytes, reterr_why));
	TRY(open_head(dir_fd, name, O_RDONLY, head_bytes, &fd, &head, reterr_why));
	TRY(seal_sidecar_load(dir_fd, name, head.core_hash, &wraps, reterr_why));
	if (!wraps)
		TRY(seal_wraps_parse(head.wraps, &wraps, reterr_why));
	memcpy(ret_core_hash, head.core_hash, SEAL_HASH_BYTES);
	*ret_wraps = take_ptr(wraps);
	return ERR_OK;
}

static int write_sidecar(int dir_fd, const char *sidecar, const uint8_t core_hash[static SEAL_HASH_BYTES],
                         struct slice list, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *bytes = NULL;

	TRY(buf_new(SIDECAR_BYTES_MAX, &bytes, reterr_why));
	TRY(buf_put_str(bytes, SEAL_SIDECAR_MAGIC, reterr_why));
	TRY(buf_put(bytes, slice_of(core_hash, SEAL_HASH_BYTES), reterr_why));
	TRY(buf_put_lp(bytes, list, reterr_why));
	return file_replace(dir_fd, sidecar, 0600, buf_slice(bytes), reterr_why);
}

int seal_wraps_store(int dir_fd, const char *name, const struct seal_wraps *wraps, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *head_bytes = NULL;
	CLEANUP(buf_freep) struct buf *list = NULL;
	CLEANUP(fd_closep) int fd = -1;
	struct seal_head head;
	char sidecar[NAME_BYTES];
	int err;

	ENSURE(seal_wraps_count(wraps) > 0, ERR_INVALID, reterr_why,
	       "a sealed file needs one wrap at least; without any nobody could open it");
	TRY(sidecar_name(name, sidecar, reterr_why));
	TRY(buf_new(SEAL_HEAD_BYTES_MAX, &head_bytes, reterr_why));
	TRY(buf_new(SEAL_WRAPS_BYTES_MAX, &list, reterr_why));
	TRY(open_head(dir_fd, name, O_RDWR, head_bytes, &fd, &head, reterr_why));
	err = seal_wraps_print_into(wraps, head.wraps.len, list, reterr_why);
	if (err == ERR_LIMIT) {
		TRY(seal_wraps_print(wraps, list, reterr_why));
		return write_sidecar(dir_fd, sidecar, head.core_hash, buf_slice(list), reterr_why);
	}
	TRY(err);
	/* From here on FILE.wraps is in force, whatever becomes of the bytes in FILE. */
	TRY(write_sidecar(dir_fd, sidecar, head.core_hash, buf_slice(list), reterr_why));
	TRY(fd_pwrite_all(fd, buf_slice(list), head.wraps_at, reterr_why));
	ENSURE_SYS(fsync(fd) == 0, reterr_why, "cannot make the wraps of %s durable", name);
	return file_remove(dir_fd, sidecar, reterr_why);
}
