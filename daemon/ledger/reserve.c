#include "daemon/ledger/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"

/* Not fstatvfs(3), which the C library completes by reading a list of mounts in some cases. */
static int measure(int fd, uint64_t *ret_free, struct why *reterr_why)
{
	struct statfs st;

	ENSURE_SYS(fstatfs(fd, &st) == 0, reterr_why, "cannot measure the ledger's disk");
	*ret_free = (uint64_t)st.f_bavail * (uint64_t)st.f_bsize;
	return ERR_OK;
}

int reserve_open(struct reserve *r, int dir_fd, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	struct stat st;

	if (!r->measure)
		r->measure = measure;
	TRY(path_open_beneath(dir_fd, "reserve", O_RDWR | O_CREAT, 0600, &fd, reterr_why));
	ENSURE_SYS(fstat(fd, &st) == 0, reterr_why, "cannot measure the ledger's reserve");
	r->bytes = (uint64_t)st.st_size;
	r->fd = take_fd(fd);
	return reserve_refill(r, reterr_why);
}

void reserve_close(struct reserve *r)
{
	fd_closep(&r->fd);
}

/* What is free and what is reserved, together: giving back does not change it. */
int reserve_has_room(const struct reserve *r, bool *ret_has_room, struct why *reterr_why)
{
	uint64_t free_bytes;

	TRY(r->measure(r->fd, &free_bytes, reterr_why));
	*ret_has_room = free_bytes + r->bytes >= LEDGER_FREE_BYTES_MIN + LEDGER_RESERVE_BYTES;
	return ERR_OK;
}

int reserve_make_room(struct reserve *r, struct why *reterr_why)
{
	uint64_t free_bytes, bytes;

	TRY(r->measure(r->fd, &free_bytes, reterr_why));
	if (free_bytes >= LEDGER_RESERVE_STEP_BYTES || r->bytes == 0)
		return ERR_OK;
	bytes = r->bytes > LEDGER_RESERVE_STEP_BYTES ? r->bytes - LEDGER_RESERVE_STEP_BYTES : 0;
	ENSURE_SYS(ftruncate(r->fd, (off_t)bytes) == 0, reterr_why, "cannot give back the ledger's reserve");
	r->bytes = bytes;
	return ERR_OK;
}

/* Without fallocate (it is refused, or the file system has none) there is no reserve, and the limit above holds alone.
 */
int reserve_refill(struct reserve *r, struct why *reterr_why)
{
	uint64_t free_bytes, missing = r->bytes < LEDGER_RESERVE_BYTES ? LEDGER_RESERVE_BYTES - r->bytes : 0;

	if (missing == 0)
		return ERR_OK;
	TRY(r->measure(r->fd, &free_bytes, reterr_why));
	if (free_bytes < missing + LEDGER_FREE_BYTES_MIN)
		return ERR_OK;
	if (fallocate(r->fd, 0, (off_t)r->bytes, (off_t)missing) == 0)
		r->bytes = LEDGER_RESERVE_BYTES;
	return ERR_OK;
}
