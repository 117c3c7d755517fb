/* Which way a request goes, and what front reads of headers itself: a head, then a NUL, then a list of ETags. A path of
 * our own must never be taken for a bucket. */
#include <stdlib.h>
#include <string.h>

#include "daemon/front/route.h"
#include "daemon/front/s3_lookup.h"
#include "daemon/front/s3_upload.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct http1_request request;
	const uint8_t *nul = len ? memchr(bytes, 0, len) : NULL;
	struct slice head = slice_of(bytes, nul ? (size_t)(nul - bytes) : len);
	struct slice rest = slice_of(bytes + head.len, len - head.len), value;

	if (http1_request_parse(head, &request, NULL, NULL) == ERR_OK) {
		enum front_target target = front_route(&request);

		if (target == FRONT_TARGET_S3 && slice_starts_with(request.uri.path, "/-/"))
			abort();
	}
	if (rest.len)
		rest = slice_of(rest.ptr + 1, rest.len - 1);
	(void)s3_etag_listed(rest, slice_str("abc"));
	if (s3_part_tag_checksum(rest, &value) != S3_CHECKSUM_NONE && value.len >= rest.len)
		abort();
	return 0;
}
