/* Targets, authorities, queries, percent-encoding: what is decoded and encoded again decodes to the same. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "wire/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_coding(struct slice text)
{
	CLEANUP(buf_freep) struct buf *plain = NULL, *encoded = NULL, *again = NULL;

	must(buf_new(text.len, &plain, NULL) == ERR_OK && buf_new(3 * text.len, &encoded, NULL) == ERR_OK &&
	     buf_new(text.len, &again, NULL) == ERR_OK);
	if (uri_decode(text, plain, NULL) != ERR_OK) {
		must(buf_len(plain) == 0);
		return;
	}
	must(uri_encode(buf_slice(plain), (text.len & 1) != 0, encoded, NULL) == ERR_OK);
	must(uri_decode(buf_slice(encoded), again, NULL) == ERR_OK);
	must(slice_equal(buf_slice(plain), buf_slice(again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct uri_query query;
	struct slice text = slice_of(data, size), host, value;
	struct uri_target target;
	uint16_t port;

	if (uri_target_parse(text, &target, NULL) == ERR_OK) {
		must(target.path.len && target.path.ptr[0] == '/');
		must(target.query.len < size && target.path.len <= size);
		must(target.query.len == 0 || target.query.ptr + target.query.len == data + size);
	}
	if (uri_authority_parse(text, &host, &port, NULL) == ERR_OK)
		must(host.len && host.len <= size);
	if (uri_query_parse(text, &query, NULL) == ERR_OK) {
		must(query.count <= URI_PARAMETERS_MAX);
		for (size_t i = 0; i < query.count; i++)
			must(query.at[i].name.len);
		if (uri_query_one(&query, "uploadId", &value, NULL) == ERR_OK)
			must(uri_query_has(&query, "uploadId"));
	}
	check_coding(text);
	return 0;
}
