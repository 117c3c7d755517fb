/* Chunked bodies: cut into pieces in any way, the same bytes come out and the same verdict. The first byte of the input
 * decides how it is cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http1_chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 1 << 20 };

struct outcome {
	int err;
	bool done;
	size_t len;  /* of the body */
	size_t used; /* of the input */
	size_t trailers;
	uint8_t body[BODY_MAX];
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void run(struct slice input, size_t step, struct outcome *o)
{
	static struct http1_chunked c;
	static struct http1_fields fields;

	o->err = ERR_OK;
	o->len = o->used = o->trailers = 0;
	http1_chunked_init(&c);
	while (o->err == ERR_OK && o->used < input.len && !http1_chunked_is_done(&c)) {
		size_t len = input.len - o->used < step ? input.len - o->used : step;
		struct cursor in = cursor_of(slice_of(input.ptr + o->used, len));

		while (o->err == ERR_OK && in.rest.len && !http1_chunked_is_done(&c)) {
			struct slice piece = {0};

			o->err = http1_chunked_feed(&c, &in, &piece, NULL);
			if (o->err != ERR_OK || !piece.len)
				continue;
			must(piece.ptr >= input.ptr && piece.ptr + piece.len <= input.ptr + input.len);
			must(o->len + piece.len <= BODY_MAX);
			memcpy(o->body + o->len, piece.ptr, piece.len);
			o->len += piece.len;
		}
		o->used += len - in.rest.len;
	}
	o->done = http1_chunked_is_done(&c);
	if (o->done && http1_chunked_trailers(&c, &fields, NULL) == ERR_OK)
		o->trailers = fields.count + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome whole, cut;

	if (size == 0 || size > BODY_MAX)
		return 0;
	run(slice_of(data + 1, size - 1), size, &whole);
	run(slice_of(data + 1, size - 1), (size_t)data[0] + 1, &cut);
	must(whole.err == cut.err && whole.done == cut.done && whole.len == cut.len && whole.used == cut.used);
	must(whole.trailers == cut.trailers &&
	     slice_equal(slice_of(whole.body, whole.len), slice_of(cut.body, cut.len)));
	return 0;
}
