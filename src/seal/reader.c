#include "seal/seal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "crypto/chunked.h"
#include "seal/flow.h"
#include "seal/opening.h"

/* The chunk read last stays open, in clear: reads that are smaller than a chunk mostly come in sequence. */
struct seal_reader {
	int fd;
	struct chunked *message;
	struct seal_core core;
	uint64_t start; /* of the chunks in the file */
	uint64_t size;
	uint64_t chunk; /* the one in `plain`, if plain_len is not 0 */
	size_t plain_len;
	uint8_t plain[CHUNKED_PLAIN_BYTES];
	uint8_t sealed[CHUNKED_SEALED_BYTES];
};

int seal_reader_open(int fd, const struct seal_wraps *sidecar, const struct seal_key_source *source,
                     struct seal_reader **ret_reader, struct why *reterr_why)
{
	CLEANUP(seal_opening_clear) struct seal_opening opening = {0};
	CLEANUP(seal_reader_freep) struct seal_reader *r = NULL;
	struct flow_end end;
	uint64_t chunks_bytes;

	TRY(seal_opening_begin(&opening, fd, sidecar, source, reterr_why));
	TRY(flow_end_inspect(fd, true, &end, &chunks_bytes, reterr_why));
	ENSURE(end.has_positions, ERR_INVALID, reterr_why, "only a regular file can be read at any place");
	TRY(seal_opening_check_end(opening.message, fd, end.start, chunks_bytes, reterr_why));
	r = calloc(1, sizeof *r);
	ENSURE(r, ERR_UNAVAILABLE, reterr_why, "out of memory for a reader");
	r->fd = fd;
	r->core = opening.core;
	r->start = end.start;
	TRY(chunked_plain_len(CHUNKED_HEAD_BYTES + chunks_bytes, &r->size, reterr_why));
	r->message = take_ptr(opening.message);
	*ret_reader = take_ptr(r);
	return ERR_OK;
}

int seal_reader_clone(const struct seal_reader *r, struct seal_reader **ret_clone, struct why *reterr_why)
{
	CLEANUP(seal_reader_freep) struct seal_reader *clone = calloc(1, sizeof *clone);

	ENSURE(clone, ERR_UNAVAILABLE, reterr_why, "out of memory for a reader");
	clone->fd = r->fd;
	clone->core = r->core;
	clone->start = r->start;
	clone->size = r->size;
	TRY(chunked_clone(r->message, &clone->message, reterr_why));
	*ret_clone = take_ptr(clone);
	return ERR_OK;
}

void seal_reader_free(struct seal_reader *r)
{
	if (!r)
		return;
	chunked_free(r->message);
	explicit_bzero(r->plain, sizeof r->plain);
	free(r);
}

void seal_reader_freep(struct seal_reader **r)
{
	seal_reader_free(*r);
	*r = NULL;
}

uint64_t seal_reader_size(const struct seal_reader *r)
{
	return r->size;
}

const struct seal_core *seal_reader_core(const struct seal_reader *r)
{
	return &r->core;
}

/* Makes `chunk` the open one. */
static int load_chunk(struct seal_reader *r, uint64_t chunk, struct why *reterr_why)
{
	uint64_t last = r->size / CHUNKED_PLAIN_BYTES;
	size_t want = CHUNKED_SEALED_BYTES, got;

	if (r->plain_len && r->chunk == chunk)
		return ERR_OK;
	if (chunk == last)
		want = (size_t)(r->size % CHUNKED_PLAIN_BYTES) + AEAD_TAG_BYTES;
	r->plain_len = 0;
	TRY(fd_pread_full(r->fd, r->sealed, want, r->start + chunk * CHUNKED_SEALED_BYTES, &got, reterr_why));
	ENSURE(got == want, ERR_TAMPERED, reterr_why, "the sealed file became shorter; chunk %" PRIu64 " is missing",
	       chunk);
	TRY(chunked_open_run(r->message, chunk, slice_of(r->sealed, want), chunk == last, r->plain, &r->plain_len,
	                     reterr_why));
	r->chunk = chunk;
	return ERR_OK;
}

int seal_reader_pread(struct seal_reader *r, void *bytes, size_t len, uint64_t offset, size_t *ret_len,
                      struct why *reterr_why)
{
	size_t done = 0;

	if (offset >= r->size)
		len = 0;
	else if (len > r->size - offset)
		len = (size_t)(r->size - offset);
	while (done < len) {
		uint64_t at = offset + done;
		size_t within = (size_t)(at % CHUNKED_PLAIN_BYTES), piece;

		TRY(load_chunk(r, at / CHUNKED_PLAIN_BYTES, reterr_why));
		piece = r->plain_len - within;
		if (piece > len - done)
			piece = len - done;
		memcpy((uint8_t *)bytes + done, r->plain + within, piece);
		done += piece;
	}
	*ret_len = len;
	return ERR_OK;
}
