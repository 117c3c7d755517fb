/* A note that parses is, put together again, the very same bytes; a checkpoint in it is read from within its text. */
#include "fuzz.h"

#include "audit/checkpoint.h"
#include "audit/note.h"

static void check_checkpoint(const struct note *note)
{
	struct checkpoint checkpoint;

	if (checkpoint_parse(note->text, &checkpoint, NULL) != ERR_OK)
		return;
	FUZZ_CHECK(checkpoint.origin.len > 0 && checkpoint.origin.len <= NOTE_NAME_BYTES_MAX);
	FUZZ_CHECK(checkpoint.extensions.ptr + checkpoint.extensions.len == note->text.ptr + note->text.len);
}

static void check_note(const struct note *note, struct slice bytes)
{
	size_t len = note->text.len + 1;

	FUZZ_CHECK(note->count >= 1 && note->count <= NOTE_SIGNATURES_MAX);
	for (size_t i = 0; i < note->count; i++) {
		const struct note_signature *s = &note->signatures[i];

		FUZZ_CHECK(note_name_check(s->name, NULL) == ERR_OK);
		len += 4 + s->name.len + 1 + s->base64.len + 1; /* em dash, spaces, newline */
	}
	FUZZ_CHECK(len == bytes.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct note_verifier *verifier = NULL;
	struct note note;

	if (note_parse(slice_of(data, len), &note, NULL) == ERR_OK) {
		check_note(&note, slice_of(data, len));
		check_checkpoint(&note);
	}
	if (note_verifier_parse(slice_of(data, len), &verifier, NULL) == ERR_OK)
		note_verifier_free(verifier);
	return 0;
}
