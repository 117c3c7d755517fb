/* What is read can be written and read again, and its canonical form is its own canonical form. */
#include "fuzz/fuzz.h"
#include "wire/json.h"

static void check_written(const json_t *value, size_t len)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	CLEANUP(json_freep) json_t *again = NULL;

	/* a control character of one byte is written in six, a number in up to 25 */
	FUZZ_CHECK(buf_new(32 * len, &text, NULL) == ERR_OK);
	FUZZ_CHECK(json_put(value, text, NULL) == ERR_OK);
	FUZZ_CHECK(json_read(buf_slice(text), &again, NULL) == ERR_OK);
	FUZZ_CHECK(json_equal(value, again));
}

static void check_canonical(const json_t *value, size_t len)
{
	CLEANUP(buf_freep) struct buf *text = NULL, *twice = NULL;
	CLEANUP(json_freep) json_t *again = NULL;

	FUZZ_CHECK(buf_new(32 * len, &text, NULL) == ERR_OK);
	FUZZ_CHECK(buf_new(32 * len, &twice, NULL) == ERR_OK);
	if (json_canonical_put(value, text, NULL) != ERR_OK)
		return;
	FUZZ_CHECK(json_canonical_read(buf_slice(text), &again, NULL) == ERR_OK);
	FUZZ_CHECK(json_canonical_put(again, twice, NULL) == ERR_OK);
	FUZZ_CHECK(slice_equal(buf_slice(text), buf_slice(twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(json_freep) json_t *value = NULL, *canonical = NULL;
	CLEANUP(buf_freep) struct buf *bytes = NULL;
	static const char *const known[] = {"KeyId", "Plaintext", NULL};
	struct why why;
	const char *text;
	int64_t number;

	if (json_read(slice_of(data, len), &value, &why) != ERR_OK)
		return 0;
	check_written(value, len);
	check_canonical(value, len);
	if (json_canonical_read(slice_of(data, len), &canonical, &why) == ERR_OK)
		FUZZ_CHECK(json_equal(value, canonical));
	if (!json_is_object(value))
		return 0;
	FUZZ_CHECK(buf_new(len, &bytes, NULL) == ERR_OK);
	(void)!json_get_base64(value, "Plaintext", bytes, &why);
	(void)!json_get_str(value, "KeyId", &text, &why);
	(void)!json_get_int(value, "n", -5, 5, &number, &why);
	(void)!json_only_members(value, known, &why);
	return 0;
}
