#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Good also for a write that a signal interrupted (`done` < 0), which is to be tried again. A device that takes nothing
 * without saying why would have us try forever. */
static int check_written(ssize_t done, size_t wanted, struct why *reterr_why)
{
	ENSURE(done != 0, ERR_UNAVAILABLE, reterr_why, "cannot write %zu bytes: none is taken", wanted);
	ENSURE_SYS(done > 0 || errno == EINTR, reterr_why, "cannot write %zu bytes", wanted);
	return ERR_OK;
}

int fd_write_all(int fd, struct slice bytes, struct why *reterr_why)
{
	while (bytes.len) {
		ssize_t done = write(fd, bytes.ptr, bytes.len);

		TRY(check_written(done, bytes.len, reterr_why));
		if (done < 0)
			continue;
		bytes.ptr += done;
		bytes.len -= (size_t)done;
	}
	return ERR_OK;
}

int fd_pwrite_all(int fd, struct slice bytes, uint64_t offset, struct why *reterr_why)
{
	while (bytes.len) {
		ssize_t done = pwrite(fd, bytes.ptr, bytes.len, (off_t)offset);

		TRY(check_written(done, bytes.len, reterr_why));
		if (done < 0)
			continue;
		bytes.ptr += done;
		bytes.len -= (size_t)done;
		offset += (uint64_t)done;
	}
	return ERR_OK;
}

int fd_read_full(int fd, void *bytes, size_t len, size_t *ret_len, struct why *reterr_why)
{
	size_t have = 0;

	while (have < len) {
		ssize_t got = read(fd, (uint8_t *)bytes + have, len - have);

		if (got < 0 && errno == EINTR)
			continue;
		ENSURE_SYS(got >= 0, reterr_why, "cannot read");
		if (got == 0)
			break;
		have += (size_t)got;
	}
	*ret_len = have;
	return ERR_OK;
}

int fd_pread_full(int fd, void *bytes, size_t len, uint64_t offset, size_t *ret_len, struct why *reterr_why)
{
	size_t have = 0;

	while (have < len) {
		ssize_t got = pread(fd, (uint8_t *)bytes + have, len - have, (off_t)(offset + have));

		if (got < 0 && errno == EINTR)
			continue;
		ENSURE_SYS(got >= 0, reterr_why, "cannot read");
		if (got == 0)
			break;
		have += (size_t)got;
	}
	*ret_len = have;
	return ERR_OK;
}

int fd_read_to_end(int fd, struct buf *into, struct why *reterr_why)
{
	enum { STEP = 16 * 1024 };

	for (;;) {
		size_t want = buf_room(into) < STEP ? buf_room(into) : STEP, got;
		uint8_t *room, extra;

		if (want == 0) { /* full: only the end of the file may follow */
			TRY(fd_read_full(fd, &extra, 1, &got, reterr_why));
			ENSURE(got == 0, ERR_LIMIT, reterr_why, "more than the %zu bytes that are accepted here",
			       buf_len(into));
			return ERR_OK;
		}
		TRY(buf_reserve(into, want, &room, reterr_why));
		TRY(fd_read_full(fd, room, want, &got, reterr_why));
		buf_commit(into, got);
		if (got < want)
			return ERR_OK;
	}
}

int fd_memfd_sealed(const char *name, struct slice bytes, int *ret_fd, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ENSURE_SYS(fd >= 0, reterr_why, "cannot make a memfd");
	TRY(fd_write_all(fd, bytes, reterr_why));
	ENSURE_SYS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0, reterr_why,
	           "cannot seal a memfd");
	*ret_fd = take_fd(fd);
	return ERR_OK;
}

int fd_map_sealed(int fd, size_t max_bytes, struct slice *ret_bytes, struct why *reterr_why)
{
	int wanted = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *map;

	ENSURE(seals >= 0 && (seals & wanted) == wanted, ERR_DENIED, reterr_why,
	       "the body is not in a memfd sealed against writing, growing and shrinking");
	ENSURE_SYS(fstat(fd, &st) == 0, reterr_why, "cannot stat a memfd");
	ENSURE((uint64_t)st.st_size <= max_bytes, ERR_LIMIT, reterr_why,
	       "a body of %lld bytes; at most %zu are accepted", (long long)st.st_size, max_bytes);
	if (st.st_size == 0) {
		*ret_bytes = slice_of(NULL, 0);
		return ERR_OK;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	ENSURE_SYS(map != MAP_FAILED, reterr_why, "cannot map a memfd");
	*ret_bytes = slice_of(map, (size_t)st.st_size);
	return ERR_OK;
}

void fd_unmap(struct slice bytes)
{
	if (bytes.len)
		munmap((void *)(uintptr_t)bytes.ptr, bytes.len);
}
