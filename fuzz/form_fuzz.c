/* What is read, written again, is read as the same pairs. */
#include "fuzz/fuzz.h"
#include "wire/form.h"

static void check(struct slice text, enum form_kind kind, enum form_repeats repeats)
{
	CLEANUP(form_freep) struct form *form = NULL, *again = NULL;
	CLEANUP(buf_freep) struct buf *written = NULL;
	struct slice value;
	struct why why;

	if (form_read(text, kind, repeats, &form, &why) != ERR_OK)
		return;
	FUZZ_CHECK(buf_new(4 * text.len + 1, &written, NULL) == ERR_OK);
	for (size_t i = 0; i < form_count(form); i++) {
		struct form_pair pair = form_at(form, i);
		char *name;

		FUZZ_CHECK(slice_dup_str(pair.name, &name, NULL) == ERR_OK);
		FUZZ_CHECK(form_put(written, name, pair.value, NULL) == ERR_OK);
		FUZZ_CHECK(form_find(form, name, &value));
		free(name);
	}
	if (buf_len(written) > 65536) /* FORM_BYTES_MAX, which encoding may pass */
		return;
	FUZZ_CHECK(form_read(buf_slice(written), FORM_QUERY, repeats, &again, &why) == ERR_OK);
	FUZZ_CHECK(form_count(again) == form_count(form));
	for (size_t i = 0; i < form_count(form); i++) {
		FUZZ_CHECK(slice_equal(form_at(form, i).name, form_at(again, i).name));
		FUZZ_CHECK(slice_equal(form_at(form, i).value, form_at(again, i).value));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	check(slice_of(data, len), FORM_BODY, FORM_REPEATS_REFUSED);
	check(slice_of(data, len), FORM_QUERY, FORM_REPEATS_KEPT);
	return 0;
}
