#include "audit/checkpoint.h"

#include <inttypes.h>

#include "base/encode.h"

static int parse_root(struct slice line, struct merkle_hash *ret_root, struct why *reterr_why)
{
	size_t len;

	TRY(base64_decode(line, ret_root->bytes, MERKLE_HASH_BYTES, &len, reterr_why));
	ENSURE(len == MERKLE_HASH_BYTES, ERR_INVALID, reterr_why, "a root hash of %zu bytes; %d are expected", len,
	       MERKLE_HASH_BYTES);
	return ERR_OK;
}

static int check_extensions(struct slice lines, struct why *reterr_why)
{
	struct cursor c = cursor_of(lines);

	while (c.rest.len) {
		struct slice line;

		TRY(cursor_take_until(&c, '\n', &line, reterr_why));
		ENSURE(line.len > 0, ERR_INVALID, reterr_why, "an empty line in a checkpoint");
	}
	return ERR_OK;
}

int checkpoint_parse(struct slice text, struct checkpoint *ret_checkpoint, struct why *reterr_why)
{
	struct cursor c = cursor_of(text);
	struct checkpoint checkpoint;
	struct slice size, root;

	TRY(cursor_take_until(&c, '\n', &checkpoint.origin, reterr_why));
	ENSURE(checkpoint.origin.len > 0, ERR_INVALID, reterr_why, "a checkpoint without an origin");
	ENSURE(checkpoint.origin.len <= NOTE_NAME_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "a checkpoint's origin of %zu bytes; at most %d are accepted", checkpoint.origin.len,
	       NOTE_NAME_BYTES_MAX);
	TRY(cursor_take_until(&c, '\n', &size, reterr_why));
	TRY(slice_to_u64(size, UINT64_MAX, &checkpoint.head.size, reterr_why));
	TRY(cursor_take_until(&c, '\n', &root, reterr_why));
	TRY(parse_root(root, &checkpoint.head.root, reterr_why));
	TRY(check_extensions(c.rest, reterr_why));
	checkpoint.extensions = c.rest;
	*ret_checkpoint = checkpoint;
	return ERR_OK;
}

int checkpoint_open(struct slice bytes, const struct note_verifier *log, struct note *ret_note,
                    struct checkpoint *ret_checkpoint, struct why *reterr_why)
{
	struct checkpoint checkpoint;
	uint64_t time_s;
	struct note note;

	TRY(note_parse(bytes, &note, reterr_why));
	TRY(note_verify(&note, log, &time_s, reterr_why));
	TRY(checkpoint_parse(note.text, &checkpoint, reterr_why));
	ENSURE(slice_is_str(checkpoint.origin, note_verifier_name(log)), ERR_TAMPERED, reterr_why,
	       "a checkpoint of %.*s signed by the key of %s", (int)checkpoint.origin.len,
	       (const char *)checkpoint.origin.ptr, note_verifier_name(log));
	*ret_note = note;
	*ret_checkpoint = checkpoint;
	return ERR_OK;
}

int checkpoint_put(const struct note_signer *signer, const struct merkle_head *head, struct buf *into,
                   struct why *reterr_why)
{
	const char *origin = note_verifier_name(note_signer_verifier(signer));
	CLEANUP(buf_freep) struct buf *text = NULL;

	TRY(buf_new(CHECKPOINT_BYTES_MAX, &text, reterr_why));
	TRY(buf_put_fmt(text, reterr_why, "%s\n%" PRIu64 "\n", origin, head->size));
	TRY(base64_put(text, slice_of(head->root.bytes, MERKLE_HASH_BYTES), reterr_why));
	TRY(buf_put_str(text, "\n", reterr_why));
	return note_put(signer, buf_slice(text), into, reterr_why);
}
