/* A request as lines: method, target, then headers "name:value". What is accepted has a canonical text that can be
 * taken apart again and holds every header that must be signed. */
#include "fuzz/fuzz.h"
#include "wire/form.h"
#include "wire/sigv4.h"

enum { HEADERS_MAX = 64, TEXT_BYTES_MAX = 1 << 20 };

static void read_request(struct slice input, struct sigv4_header *headers, struct sigv4_request *ret_request)
{
	struct cursor in = cursor_of(input);
	struct slice line;

	*ret_request = (struct sigv4_request){.headers = headers};
	(void)!cursor_take_until(&in, '\n', &ret_request->method, NULL);
	(void)!cursor_take_until(&in, '\n', &ret_request->target, NULL);
	while (ret_request->header_count < HEADERS_MAX && cursor_take_until(&in, '\n', &line, NULL) == ERR_OK) {
		struct sigv4_header *header = &headers[ret_request->header_count++];
		struct cursor one = cursor_of(line);

		header->name = line;
		(void)!cursor_take_until(&one, ':', &header->name, NULL);
		header->value = one.rest;
	}
}

static void check_canonical(const struct sigv4_request *request, const struct sigv4 *auth)
{
	CLEANUP(buf_freep) struct buf *text = NULL, *to_sign = NULL;
	CLEANUP(form_freep) struct form *query = NULL;
	const uint8_t digest[SIGV4_DIGEST_BYTES] = {0};
	struct sigv4_canonical parts;
	struct slice value;

	FUZZ_CHECK(buf_new(TEXT_BYTES_MAX, &text, NULL) == ERR_OK);
	FUZZ_CHECK(buf_new(TEXT_BYTES_MAX, &to_sign, NULL) == ERR_OK);
	FUZZ_CHECK(sigv4_canonical_put(request, auth, auth->payload == SIGV4_PAYLOAD_ABSENT ? digest : NULL, text,
	                               NULL) == ERR_OK);
	FUZZ_CHECK(sigv4_string_to_sign_put(auth, digest, to_sign, NULL) == ERR_OK);
	FUZZ_CHECK(sigv4_canonical_split(buf_slice(text), &parts, NULL) == ERR_OK);
	FUZZ_CHECK(slice_equal(parts.method, request->method));
	FUZZ_CHECK(slice_is_str(parts.signed_headers, auth->signed_headers));
	FUZZ_CHECK(sigv4_canonical_header(&parts, "host", &value) && value.len > 0);
	FUZZ_CHECK(form_read(parts.query, FORM_QUERY, FORM_REPEATS_REFUSED, &query, NULL) == ERR_OK);
	for (size_t i = 0; i < request->header_count; i++)
		if (slice_is_str_nocase(request->headers[i].name, "x-amz-date"))
			FUZZ_CHECK(sigv4_canonical_header(&parts, "x-amz-date", &value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct sigv4 fixed = {.service = "kms",
	                                   .region = "r",
	                                   .signed_headers = "host",
	                                   .payload = SIGV4_PAYLOAD_UNSIGNED,
	                                   .timestamp = "20130524T000000Z"};
	CLEANUP(buf_freep) struct buf *text = NULL;
	struct sigv4_header headers[HEADERS_MAX];
	struct sigv4_request request;
	struct sigv4 auth;
	struct why why;

	read_request(slice_of(data, len), headers, &request);
	if (sigv4_read(&request, &auth, &why) == ERR_OK) {
		(void)!sigv4_freshness(&auth, 1369353600000);
		check_canonical(&request, &auth);
	}
	FUZZ_CHECK(buf_new(TEXT_BYTES_MAX, &text, NULL) == ERR_OK);
	(void)!sigv4_canonical_put(&request, &fixed, NULL, text, &why);
	return 0;
}
