#include "cli/s3.h"

#include <string.h>

#include "wire/uri.h"

int s3_name_parse(const char *text, bool needs_key, struct s3_name *ret_name, struct why *reterr_why)
{
	struct slice whole = slice_str(text);
	size_t len = strcspn(text, "/");
	struct s3_name name = {.bucket = slice_of(whole.ptr, len)};

	ENSURE(len > 0, ERR_INVALID, reterr_why, "\"%.100s\" names no bucket; BUCKET%s is expected", text,
	       needs_key ? "/KEY" : "[/PREFIX]");
	if (text[len] == '/')
		name.key = slice_of(whole.ptr + len + 1, whole.len - len - 1);
	ENSURE(name.key.len > 0 || !needs_key, ERR_INVALID, reterr_why,
	       "\"%.100s\" names no object; BUCKET/KEY is expected", text);
	*ret_name = name;
	return ERR_OK;
}

int s3_target_put(const struct s3_name *name, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_u8(into, '/', reterr_why));
	TRY(uri_encode(name->bucket, false, into, reterr_why));
	if (name->key.len == 0)
		return ERR_OK;
	TRY(buf_put_u8(into, '/', reterr_why));
	return uri_encode(name->key, true, into, reterr_why);
}

int s3_call(struct client *c, const char *method, const struct buf *target, struct buf *into, struct why *reterr_why)
{
	const struct client_call call = {.service = "s3", .method = method, .target = buf_slice(target)};

	return client_call(c, &call, into, reterr_why);
}
