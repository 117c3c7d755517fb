#include "seal/opening.h"

#include <inttypes.h>
#include <string.h>

#include "base/fd.h"
#include "seal/seal.h"

/* Tries every wrap of one list. ERR_NOTFOUND if none is for this source. */
static int find_in(const struct seal_wraps *wraps, const uint8_t core_hash[static SEAL_HASH_BYTES],
                   const uint8_t *message_head, const struct seal_key_source *source, struct secret **ret_data_key,
                   struct why *reterr_why)
{
	int result = ERR_NOTFOUND;

	for (size_t i = 0; i < seal_wraps_count(wraps); i++) {
		CLEANUP(chunked_freep) struct chunked *probe = NULL;
		CLEANUP(secret_freep) struct secret *key = NULL;
		struct why why = {{0}};
		int err = source->unwrap(source->self, seal_wraps_at(wraps, i), core_hash, &key, &why);

		if (err == ERR_OK)
			err = chunked_open_new(key, slice_of(core_hash, SEAL_HASH_BYTES), message_head, &probe, &why);
		if (err == ERR_OK) {
			*ret_data_key = take_ptr(key);
			return ERR_OK;
		}
		if (err != ERR_NOTFOUND) {
			result = err;
			if (reterr_why)
				*reterr_why = why;
		}
	}
	return result;
}

int seal_key_find(const struct seal_wraps *wraps, const uint8_t core_hash[static SEAL_HASH_BYTES],
                  const uint8_t *message_head, const struct seal_key_source *source, struct secret **ret_data_key,
                  struct why *reterr_why)
{
	int err = find_in(wraps, core_hash, message_head, source, ret_data_key, reterr_why);

	ENSURE(err != ERR_NOTFOUND, ERR_DENIED, reterr_why,
	       "none of the %zu wraps of this sealed file is for the keys at hand", seal_wraps_count(wraps));
	return err;
}

/* The sidecar first; a sidecar that does not help is no reason to refuse a file that opens by itself. */
static int find_in_both(const struct seal_head *head, const uint8_t *message_head, const struct seal_wraps *sidecar,
                        const struct seal_key_source *source, struct secret **ret_data_key, struct why *reterr_why)
{
	CLEANUP(seal_wraps_freep) struct seal_wraps *own = NULL;

	if (sidecar && find_in(sidecar, head->core_hash, message_head, source, ret_data_key, NULL) == ERR_OK)
		return ERR_OK;
	TRY(seal_wraps_parse(head->wraps, &own, reterr_why));
	return seal_key_find(own, head->core_hash, message_head, source, ret_data_key, reterr_why);
}

void seal_opening_clear(struct seal_opening *o)
{
	buf_freep(&o->head_bytes);
	chunked_freep(&o->message);
}

int seal_opening_begin(struct seal_opening *o, int fd, const struct seal_wraps *sidecar,
                       const struct seal_key_source *source, struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *data_key = NULL;
	uint8_t message_head[CHUNKED_HEAD_BYTES];
	struct seal_head head;
	size_t got;

	TRY(buf_new(SEAL_HEAD_BYTES_MAX, &o->head_bytes, reterr_why));
	TRY(seal_head_read(fd, o->head_bytes, &head, reterr_why));
	TRY(seal_core_parse(head.core, &o->core, reterr_why));
	TRY(fd_read_full(fd, message_head, sizeof message_head, &got, reterr_why));
	ENSURE(got == sizeof message_head, ERR_TAMPERED, reterr_why,
	       "the sealed file is cut short: it ends before chunk 0");
	TRY(find_in_both(&head, message_head, sidecar, source, &data_key, reterr_why));
	TRY(chunked_open_new(data_key, slice_of(head.core_hash, sizeof head.core_hash), message_head, &o->message,
	                     reterr_why));
	o->chunks_at = head.message_at + CHUNKED_HEAD_BYTES;
	return ERR_OK;
}

int seal_opening_check_end(struct chunked *message, int fd, uint64_t start, uint64_t chunks_bytes,
                           struct why *reterr_why)
{
	uint8_t sealed[CHUNKED_SEALED_BYTES], plain[CHUNKED_PLAIN_BYTES];
	uint64_t last = chunks_bytes / CHUNKED_SEALED_BYTES;
	size_t len = (size_t)(chunks_bytes % CHUNKED_SEALED_BYTES), got, plain_len;
	int err;

	ENSURE(len >= AEAD_TAG_BYTES, ERR_TAMPERED, reterr_why,
	       "the sealed file is cut short: it ends %s chunk %" PRIu64, len ? "within" : "before", last);
	TRY(fd_pread_full(fd, sealed, len, start + last * CHUNKED_SEALED_BYTES, &got, reterr_why));
	ENSURE(got == len, ERR_CONFLICT, reterr_why, "the sealed file became shorter while it was being read");
	err = chunked_open_run(message, last, slice_of(sealed, len), true, plain, &plain_len, reterr_why);
	explicit_bzero(plain, sizeof plain);
	if (err == ERR_TAMPERED)
		why_set(reterr_why, "the sealed file is altered or cut short at chunk %" PRIu64 ", its last", last);
	return err;
}
