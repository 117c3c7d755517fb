#include "kms/context.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"

struct kms_context {
	json_t *map;
	struct buf *canonical;
};

static int check_pairs(json_t *map, struct why *reterr_why)
{
	const char *name;
	json_t *value;

	ENSURE(json_object_size(map) <= KMS_CONTEXT_PAIRS_MAX, ERR_LIMIT, reterr_why,
	       "an encryption context of %zu pairs; at most %d are accepted", json_object_size(map),
	       KMS_CONTEXT_PAIRS_MAX);
	json_object_foreach(map, name, value)
	{
		ENSURE(*name, ERR_INVALID, reterr_why, "an encryption context has a pair without a name");
		ENSURE(json_is_string(value), ERR_INVALID, reterr_why,
		       "the value of %s in an encryption context must be a string",
		       strlen(name) <= 64 ? name : "a pair");
	}
	return ERR_OK;
}

int kms_context_new(const json_t *object, struct kms_context **ret_context, struct why *reterr_why)
{
	CLEANUP(kms_context_freep) struct kms_context *c = calloc(1, sizeof *c);
	int err;

	ENSURE(c, ERR_UNAVAILABLE, reterr_why, "out of memory for an encryption context");
	ENSURE(!object || json_is_object(object), ERR_INVALID, reterr_why,
	       "an encryption context is an object of strings");
	c->map = object ? json_deep_copy(object) : json_object();
	ENSURE(c->map, ERR_UNAVAILABLE, reterr_why, "out of memory for an encryption context");
	TRY(check_pairs(c->map, reterr_why));
	TRY(buf_new(KMS_CONTEXT_BYTES_MAX, &c->canonical, reterr_why));
	err = json_canonical_put(c->map, c->canonical, reterr_why);
	if (err != ERR_OK) {
		why_prefix(reterr_why, "encryption context: ");
		return err;
	}
	*ret_context = take_ptr(c);
	return ERR_OK;
}

void kms_context_free(struct kms_context *c)
{
	if (!c)
		return;
	json_freep(&c->map);
	buf_free(c->canonical);
	free(c);
}

void kms_context_freep(struct kms_context **c)
{
	kms_context_free(*c);
	*c = NULL;
}

struct slice kms_context_canonical(const struct kms_context *c)
{
	return buf_slice(c->canonical);
}

const json_t *kms_context_map(const struct kms_context *c)
{
	return c->map;
}
