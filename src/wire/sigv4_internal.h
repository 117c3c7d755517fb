/* sigv4_internal.h: what the files of sigv4 share. */
#pragma once
#include "wire/sigv4.h"

/* Refuses what would let one canonical text stand for two requests (line ends in a method, a target or a header), and
 * anything over the limits. */
MUST_USE int sigv4_request_check(const struct sigv4_request *request, struct why *reterr_why);

/* The target's path, and its query if it has one (*ret_query is empty otherwise). */
void sigv4_target_split(struct slice target, struct slice *ret_path, struct slice *ret_query);

/* Must this header be among the signed ones, if it is there? */
bool sigv4_header_must_be_signed(struct slice name, const char *service);

/* The first header of that name in any case, and how many there are. */
size_t sigv4_header_find(const struct sigv4_request *request, struct slice name, struct slice *ret_value);

/* Takes the next name off a list "host;x-amz-date"; false at its end. */
bool sigv4_signed_header_next(struct slice *list, struct slice *ret_name);

/* Reads the value of x-amz-content-sha256 into payload and payload_sha256. */
MUST_USE int sigv4_payload_read(struct slice text, struct sigv4 *auth, struct why *reterr_why);

/* Is it a token (RFC 9110 section 5.6.2)? */
bool sigv4_is_token(struct slice text);

/* The value without white space around it. */
struct slice sigv4_trim(struct slice value);
