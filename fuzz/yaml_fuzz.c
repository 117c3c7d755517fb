/* What is read is JSON, and every line that is remembered is one of the text. */
#include "fuzz/fuzz.h"
#include "wire/json.h"
#include "wire/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(json_freep) json_t *value = NULL, *lines = NULL, *again = NULL;
	CLEANUP(buf_freep) struct buf *text = NULL;
	unsigned newlines = 2; /* libyaml puts the end of a last line without a line end on a line of its own */
	const char *path;
	json_t *line;
	struct why why;

	if (yaml_read(slice_of(data, len), &value, &lines, &why) != ERR_OK)
		return 0;
	for (size_t i = 0; i < len; i++)
		newlines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80; /* U+0085, U+2028, U+2029 */
	json_object_foreach(lines, path, line)
		FUZZ_CHECK(yaml_line(lines, path) >= 1 && yaml_line(lines, path) <= newlines);
	FUZZ_CHECK(buf_new(32 * len + 16, &text, NULL) == ERR_OK);
	FUZZ_CHECK(json_put(value, text, NULL) == ERR_OK);
	if (json_is_object(value) || json_is_array(value)) {
		FUZZ_CHECK(json_read(buf_slice(text), &again, NULL) == ERR_OK);
		FUZZ_CHECK(json_equal(value, again));
	}
	return 0;
}
