/* Request targets as any client can send them. The first byte chooses the method. */
#include <stdlib.h>

#include "wire/s3.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};
	static struct s3_request r;
	struct why why;

	if (size < 1)
		return 0;
	if (s3_request_parse(slice_str(methods[data[0] % 5]), slice_of(data + 1, size - 1), &r, &why) != ERR_OK)
		return 0;
	/* What was accepted is within its limits and has names for everything. */
	if (r.key.len > STORE_KEY_BYTES_MAX || (r.bucket.len && s3_bucket_name_check(r.bucket, NULL) != ERR_OK) ||
	    !s3_op_name(r.op) || !s3_request_action(&r))
		abort();
	return 0;
}
