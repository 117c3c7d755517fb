/* fd.h: owning file descriptors, whole reads and writes, sealed memfds. Every descriptor is close-on-exec from birth.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"

/* Closes *fd unless it is negative and sets it to -1: for CLEANUP(fd_closep). */
void fd_closep(int *fd);

/* Yields the descriptor and leaves -1 behind, so that its cleanup does nothing. */
#define take_fd(fd)                \
	({                         \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

/* Writes all of `bytes`, going on after signals and short writes. */
MUST_USE int fd_write_all(int fd, struct slice bytes, struct why *reterr_why);
MUST_USE int fd_pwrite_all(int fd, struct slice bytes, uint64_t offset, struct why *reterr_why);

/* Reads until `len` bytes or the end of the file; *ret_len tells how many. */
MUST_USE int fd_read_full(int fd, void *bytes, size_t len, size_t *ret_len, struct why *reterr_why);
MUST_USE int fd_pread_full(int fd, void *bytes, size_t len, uint64_t offset, size_t *ret_len, struct why *reterr_why);

/* Appends everything up to the end of the file. ERR_LIMIT when it is more than `into` may hold. */
MUST_USE int fd_read_to_end(int fd, struct buf *into, struct why *reterr_why);

/* A new memfd that holds `bytes` and can no longer be written, grown or shrunk: for bodies too large for a message. */
MUST_USE int fd_memfd_sealed(const char *name, struct slice bytes, int *ret_fd, struct why *reterr_why);

/* Maps a memfd from a peer, read-only, after checking that it carries the write, grow and shrink seals and holds at
 * most `max_bytes`. ERR_DENIED without the seals, ERR_LIMIT over the size. munmap() it by fd_unmap(). */
MUST_USE int fd_map_sealed(int fd, size_t max_bytes, struct slice *ret_bytes, struct why *reterr_why);
void fd_unmap(struct slice bytes);
