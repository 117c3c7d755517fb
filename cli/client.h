/* client.h: signed calls to an installation, and its answers.
 *
 * Every request carries a nonce among its signed headers (docs/protocol/sigv4.md), so that no two have the same
 * signature. An answer that is an error becomes our code and one sentence, whichever API it is of. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "cli/profile.h"
#include "net/http_client.h"
#include "wire/json.h"
#include "wire/xml.h"

struct client;

/* Loads profile (NULL: the usual one) and credentials. Connects with the first call. */
MUST_USE int client_open(const char *profile, struct client **ret_client, struct why *reterr_why);
void client_free(struct client *c);
void client_freep(struct client **c);

const struct profile *client_profile(const struct client *c);

#define CLIENT_FIELDS_MAX 8

struct client_call {
	const char *service; /* "kms", "iam", "sts", "s3", "cloister" */
	const char *method;
	struct slice target;
	struct http_client_field fields[CLIENT_FIELDS_MAX]; /* those without a name do not count */
	struct slice body;

	/* Instead of `body`: so many bytes, whose digest is known beforehand. */
	http_client_source source;
	void *source_context;
	uint64_t source_length;
	const uint8_t *source_sha256;
};

/* Signs and sends it, and reads the head of the answer, borrowed until the next call. A status from 300 on is an error:
 * the class is by what it says, the sentence is its message with its code and request id. */
MUST_USE int client_start(struct client *c, const struct client_call *call, const struct http1_response **ret_response,
                          struct why *reterr_why);

/* The body of the answer, piece by piece; *ret_len 0 is its end. */
MUST_USE int client_read(struct client *c, void *bytes, size_t size, size_t *ret_len, struct why *reterr_why);

/* Both, for answers that are small: the body is appended. */
MUST_USE int client_call(struct client *c, const struct client_call *call, struct buf *into, struct why *reterr_why);

/* POST of {"…":…} to an operation of the KMS: the answer as an object. */
MUST_USE int client_kms(struct client *c, const char *operation, const json_t *input, json_t **ret_output,
                        struct why *reterr_why);

/* POST of a form to IAM or STS; `form` holds Action and its parameters. The answer's result element, or the root where
 * the action has no result; borrowed from *ret_doc. */
MUST_USE int client_query(struct client *c, const char *service, const char *action, const struct buf *form,
                          struct xml **ret_doc, const struct xml_node **ret_result, struct why *reterr_why);

/* --- pure: what an error answer means (client_error.c) --- */

/* Appends nothing: turns status and body into our code and a sentence. */
int client_error(unsigned status, struct slice body, struct why *why);
