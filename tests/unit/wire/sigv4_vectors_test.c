/* Published and generated vectors: usage: sigv4_vectors_test FILE.json (tests/vectors/sigv4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/encode.h"
#include "wire/sigv4.h"

static const char *vectors_path;
static json_t *vectors;

static const char *text_of(const json_t *vector, const char *name)
{
	const char *text = json_string_value(json_object_get(vector, name));

	return text ? text : "";
}

static struct sigv4_request request_of(const json_t *vector, struct sigv4_header *headers)
{
	const json_t *list = json_object_get(vector, "headers");
	struct sigv4_request request = {.headers = headers, .header_count = json_array_size(list)};

	for (size_t i = 0; i < request.header_count; i++) {
		const json_t *pair = json_array_get(list, i);

		headers[i].name = slice_str(json_string_value(json_array_get(pair, 0)));
		headers[i].value = slice_str(json_string_value(json_array_get(pair, 1)));
	}
	request.method = slice_str(text_of(vector, "method"));
	request.target = slice_str(text_of(vector, "target"));
	return request;
}

static void assert_text(struct buf *text, const char *expected, const char *name)
{
	const char *found;

	assert_int_equal(buf_str(text, &found, NULL), ERR_OK);
	if (strcmp(found, expected) != 0)
		print_error("%s\n", name);
	assert_string_equal(found, expected);
}

/* The digest that a canonical request or a string to sign has as its last line. */
static void last_line_digest(const char *text, uint8_t digest[static 32])
{
	assert_int_equal(hex_decode(slice_str(strrchr(text, '\n') + 1), digest, 32, NULL), ERR_OK);
}

static void check_texts(const json_t *vector, const struct sigv4_request *request, const struct sigv4 *auth,
                        const uint8_t *body_sha256)
{
	const char *to_sign = text_of(vector, "string_to_sign");
	CLEANUP(buf_freep) struct buf *text = NULL;
	struct sigv4_canonical parts;
	uint8_t digest[32];

	assert_int_equal(buf_new(65536, &text, NULL), ERR_OK);
	assert_int_equal(sigv4_canonical_put(request, auth, body_sha256, text, NULL), ERR_OK);
	assert_text(text, text_of(vector, "canonical"), text_of(vector, "name"));
	assert_int_equal(sigv4_canonical_split(buf_slice(text), &parts, NULL), ERR_OK);
	assert_true(slice_equal(parts.method, request->method));
	assert_true(slice_is_str(parts.signed_headers, auth->signed_headers));
	buf_reset(text);
	last_line_digest(to_sign, digest);
	assert_int_equal(sigv4_string_to_sign_put(auth, digest, text, NULL), ERR_OK);
	assert_text(text, to_sign, text_of(vector, "name"));
}

static void requests_of_botocore_give_its_canonical_texts(void **state)
{
	size_t at;
	const json_t *vector;
	(void)state;

	json_array_foreach(vectors, at, vector)
	{
		struct sigv4_header headers[64];
		struct sigv4_request request = request_of(vector, headers);
		bool is_in_query = strcmp(text_of(vector, "origin"), "query") == 0;
		struct sigv4 auth;
		struct why why = {""};
		uint8_t body_sha256[32], signature[32];

		if (sigv4_read(&request, &auth, &why) != ERR_OK)
			fail_msg("%s: %s", text_of(vector, "name"), why.text);
		assert_int_equal(auth.origin, is_in_query ? SIGV4_IN_QUERY : SIGV4_IN_HEADER);
		assert_string_equal(auth.access_key, text_of(vector, "access_key"));
		assert_string_equal(auth.region, text_of(vector, "region"));
		assert_string_equal(auth.service, text_of(vector, "service"));
		assert_string_equal(auth.token, text_of(vector, "token"));
		assert_int_equal(hex_decode(slice_str(text_of(vector, "signature")), signature, 32, NULL), ERR_OK);
		assert_memory_equal(auth.signature, signature, 32);
		assert_int_equal(hex_decode(slice_str(text_of(vector, "body_sha256")), body_sha256, 32, NULL), ERR_OK);
		check_texts(vector, &request, &auth, body_sha256);
	}
}

/* Every byte of what was signed matters: the canonical text of a request that was altered is another one. */
static void an_altered_request_has_another_text(void **state)
{
	size_t at;
	const json_t *vector;
	(void)state;

	json_array_foreach(vectors, at, vector)
	{
		struct sigv4_header headers[64];
		struct sigv4_request request = request_of(vector, headers);
		CLEANUP(buf_freep) struct buf *text = NULL;
		struct sigv4 auth;
		uint8_t body_sha256[32];

		assert_int_equal(hex_decode(slice_str(text_of(vector, "body_sha256")), body_sha256, 32, NULL), ERR_OK);
		assert_int_equal(sigv4_read(&request, &auth, NULL), ERR_OK);
		assert_int_equal(buf_new(65536, &text, NULL), ERR_OK);
		request.method = slice_str(slice_is_str(request.method, "GET") ? "PUT" : "GET");
		assert_int_equal(sigv4_canonical_put(&request, &auth, body_sha256, text, NULL), ERR_OK);
		assert_false(slice_is_str(buf_slice(text), text_of(vector, "canonical")));
		request = request_of(vector, headers);
		for (size_t i = 0; i < request.header_count; i++)
			if (slice_is_str_nocase(headers[i].name, "host"))
				headers[i].value = slice_str("elsewhere.example.com");
		buf_reset(text);
		assert_int_equal(sigv4_canonical_put(&request, &auth, body_sha256, text, NULL), ERR_OK);
		assert_false(slice_is_str(buf_slice(text), text_of(vector, "canonical")));
	}
}

/* Puts what the suite says was signed, line before the last of its canonical request, into the claim. */
static void take_signed_headers(const json_t *vector, struct sigv4 *auth)
{
	struct sigv4_canonical parts;

	assert_int_equal(sigv4_canonical_split(slice_str(text_of(vector, "canonical")), &parts, NULL), ERR_OK);
	assert_int_equal(slice_to_str(parts.signed_headers, auth->signed_headers, sizeof auth->signed_headers, NULL),
	                 ERR_OK);
}

static void the_published_suite_holds(void **state)
{
	size_t at;
	const json_t *vector;
	(void)state;

	json_array_foreach(vectors, at, vector)
	{
		struct sigv4_header headers[64];
		struct sigv4_request request = request_of(vector, headers);
		struct sigv4 auth = {.service = "service", .region = "us-east-1", .timestamp = "20150830T123600Z"};
		uint8_t body_sha256[32];

		take_signed_headers(vector, &auth);
		last_line_digest(text_of(vector, "canonical"), body_sha256);
		check_texts(vector, &request, &auth, body_sha256);
	}
}

/* What the suite's requests claim is read, save where our rules are stricter than the suite. */
static void the_published_suite_is_read(void **state)
{
	static const char *const repeats_a_parameter[] = {"get-vanilla-query-order-key",
	                                                  "get-vanilla-query-order-value"};
	size_t at, refused = 0;
	const json_t *vector;
	(void)state;

	json_array_foreach(vectors, at, vector)
	{
		struct sigv4_header headers[64];
		struct sigv4_request request = request_of(vector, headers);
		struct sigv4 auth;
		struct why why = {""};
		int expected = ERR_OK;

		headers[request.header_count].name = slice_str("authorization");
		headers[request.header_count++].value = slice_str(text_of(vector, "authorization"));
		for (size_t i = 0; i < 2; i++)
			if (strcmp(text_of(vector, "name"), repeats_a_parameter[i]) == 0)
				expected = ERR_INVALID;
		refused += expected != ERR_OK;
		if (sigv4_read(&request, &auth, &why) != expected)
			fail_msg("%s: %s", text_of(vector, "name"), why.text);
	}
	assert_int_equal(refused, 2);
}

static int load(void **state)
{
	json_t *file = json_load_file(vectors_path, 0, NULL);
	(void)state;

	vectors = json_incref(json_object_get(file, "vectors"));
	json_decref(file);
	return json_array_size(vectors) > 0 ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	json_decref(vectors);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest generated[] = {
		cmocka_unit_test(requests_of_botocore_give_its_canonical_texts),
		cmocka_unit_test(an_altered_request_has_another_text),
	};
	const struct CMUnitTest published[] = {
		cmocka_unit_test(the_published_suite_holds),
		cmocka_unit_test(the_published_suite_is_read),
	};

	if (argc != 3) {
		fprintf(stderr, "usage: %s generated|published FILE.json\n", argv[0]);
		return 2;
	}
	vectors_path = argv[2];
	if (strcmp(argv[1], "published") == 0)
		return cmocka_run_group_tests(published, load, unload);
	return cmocka_run_group_tests(generated, load, unload);
}
