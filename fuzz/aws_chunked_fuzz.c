/* The first byte chooses the kind, the second the length of pieces, the third the declared length; the rest is the
 * body. However a body is cut, what comes out is the same, and is as long as declared. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "wire/aws_chunked.h"

struct outcome {
	int err;
	uint64_t bytes, chunk_ends;
	uint32_t sum; /* of the data, in its order */
	uint8_t last_signature;
};

static struct outcome decode(enum aws_chunked_kind kind, uint64_t decoded, struct slice body, size_t step)
{
	const char *trailers = kind == AWS_CHUNKED_SIGNED ? "" : "x-amz-checksum-crc32,x-amz-checksum-sha1";
	CLEANUP(aws_chunked_freep) struct aws_chunked *d = NULL;
	struct outcome o = {0};
	struct slice value;
	struct why why;

	FUZZ_CHECK(aws_chunked_new(kind, decoded, slice_str(trailers), &d, NULL) == ERR_OK);
	for (size_t at = 0; at < body.len; at += step) {
		struct cursor in = cursor_of(slice_of(body.ptr + at, body.len - at < step ? body.len - at : step));
		struct aws_chunked_event event;

		do {
			o.err = aws_chunked_next(d, &in, &event, &why);
			if (o.err != ERR_OK)
				return o;
			for (size_t i = 0; event.what == AWS_CHUNKED_DATA && i < event.data.len; i++)
				o.sum = 31 * o.sum + event.data.ptr[i];
			o.bytes += event.what == AWS_CHUNKED_DATA ? event.data.len : 0;
			o.chunk_ends += event.what == AWS_CHUNKED_CHUNK_END;
			if (event.what == AWS_CHUNKED_CHUNK_END || event.what == AWS_CHUNKED_END)
				o.last_signature = event.signature[0];
		} while (event.what != AWS_CHUNKED_MORE);
		FUZZ_CHECK(in.rest.len == 0);
	}
	o.err = aws_chunked_finish(d, &why);
	if (o.err != ERR_OK)
		return o;
	FUZZ_CHECK(o.bytes == decoded && o.chunk_ends > 0);
	FUZZ_CHECK(kind == AWS_CHUNKED_SIGNED || aws_chunked_trailer(d, "x-amz-checksum-sha1", &value));
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct outcome whole, cut;
	struct slice body;

	if (len < 3)
		return 0;
	body = slice_of(data + 3, len - 3);
	whole = decode((enum aws_chunked_kind)(data[0] % 3), data[2], body, len);
	cut = decode((enum aws_chunked_kind)(data[0] % 3), data[2], body, 1 + data[1] % 64);
	FUZZ_CHECK(whole.err == cut.err);
	if (whole.err == ERR_OK)
		FUZZ_CHECK(whole.sum == cut.sum && whole.chunk_ends == cut.chunk_ends &&
		           whole.last_signature == cut.last_signature);
	return 0;
}
