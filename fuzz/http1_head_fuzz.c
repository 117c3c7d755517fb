/* Request and response heads: whatever is accepted has one reading, lies within the input, and reads the same again
 * when it is written anew. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "wire/http1_head.h"
#include "wire/http1_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_lie_within(struct slice part, struct slice whole)
{
	must(part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

static void put_fields(struct buf *b, const struct http1_fields *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		char name[HTTP1_HEAD_BYTES_MAX];

		must(slice_to_str(fields->at[i].name, name, sizeof name, NULL) == ERR_OK);
		must(http1_put_field(b, name, fields->at[i].value, NULL) == ERR_OK);
	}
	must(buf_put_str(b, "\r\n", NULL) == ERR_OK);
}

static void check_request(struct slice head)
{
	static struct http1_request r, again;
	CLEANUP(buf_freep) struct buf *b = NULL;
	unsigned status = 0;

	if (http1_request_parse(head, &r, &status, NULL) != ERR_OK) {
		must(status >= 400 && status <= 505);
		return;
	}
	must_lie_within(r.method, head);
	must_lie_within(r.target, head);
	must_lie_within(r.uri.path, r.target);
	must_lie_within(r.uri.query, r.target);
	for (size_t i = 0; i < r.fields.count; i++) {
		must_lie_within(r.fields.at[i].name, head);
		must_lie_within(r.fields.at[i].value, head);
	}
	must(http1_fields_count(&r.fields, "host") == 1);
	must(http1_fields_count(&r.fields, "content-length") + http1_fields_count(&r.fields, "transfer-encoding") <= 1);
	if (r.is_http10)
		return; /* is not written */
	must(buf_new(2 * HTTP1_HEAD_BYTES_MAX, &b, NULL) == ERR_OK);
	must(http1_put_request(b, r.method, r.target, NULL) == ERR_OK);
	put_fields(b, &r.fields);
	/* "A:b" grows by its space when it is written, which may carry a head at the limit past it. */
	if (buf_len(b) > HTTP1_HEAD_BYTES_MAX)
		return;
	must(http1_request_parse(buf_slice(b), &again, NULL, NULL) == ERR_OK);
	must(again.framing == r.framing && again.length == r.length && again.keep_alive == r.keep_alive);
	must(again.fields.count == r.fields.count && slice_equal(again.host, r.host));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http1_response response;
	struct slice all = slice_of(data, size);
	size_t scanned = 0, len = 0, whole = 0, from_start = 0;
	int err = http1_head_find_end(all, &from_start, &whole, NULL);

	/* However the bytes arrive, the same end is found. */
	for (size_t have = 1; err == ERR_OK && whole && have <= whole; have = have * 3 + 1) {
		must(http1_head_find_end(slice_of(data, have < whole ? have : whole), &scanned, &len, NULL) == ERR_OK);
		must(len == (have < whole ? 0 : whole));
	}
	check_request(err == ERR_OK && whole ? slice_of(data, whole) : all);
	if (http1_response_parse(all, slice_str(size & 1 ? "GET" : "HEAD"), &response, NULL) == ERR_OK)
		must(response.status >= 100 && response.status <= 599);
	return 0;
}
