#include "daemon/front/s3_meta.h"

#include <string.h>

#include "base/limits.h"
#include "daemon/front/s3.h"

static const char user_prefix[] = "x-amz-meta-";

/* Kept, and given back as they came; each may be overridden by a parameter of GET. */
static const struct {
	const char *name;
	enum s3_param override;
} kept[] = {
	{"cache-control", S3_PARAM_RESPONSE_CACHE_CONTROL},
	{"content-disposition", S3_PARAM_RESPONSE_CONTENT_DISPOSITION},
	{"content-encoding", S3_PARAM_RESPONSE_CONTENT_ENCODING},
	{"content-language", S3_PARAM_RESPONSE_CONTENT_LANGUAGE},
	{"content-type", S3_PARAM_RESPONSE_CONTENT_TYPE},
	{"expires", S3_PARAM_RESPONSE_EXPIRES},
};
enum { KEPT = sizeof kept / sizeof *kept };

/* Beside names that begin like the first ones, a header with a value that is offered. */
static const char *const refused_prefixes[] = {
	"x-amz-copy-source",
	"x-amz-grant-",
	"x-amz-object-lock-",
	"x-amz-server-side-encryption-customer-",
};
static const struct {
	const char *name, *only;
} restricted[] = {
	{"x-amz-tagging", NULL},
	{"x-amz-mfa", NULL},
	{"x-amz-website-redirect-location", NULL},
	{"x-amz-write-offset-bytes", NULL},
	{"x-amz-bypass-governance-retention", NULL},
	{"x-amz-server-side-encryption-context", NULL},
	{"x-amz-acl", "bucket-owner-full-control"},
	{"x-amz-storage-class", "STANDARD"},
	{"x-amz-server-side-encryption", "aws:kms"},
};

static bool has_prefix_nocase(struct slice name, const char *prefix)
{
	size_t len = strlen(prefix);

	return name.len >= len && slice_is_str_nocase(slice_of(name.ptr, len), prefix);
}

static int check_field(struct s3 *s, const struct http1_field *f, struct why *reterr_why)
{
	for (size_t i = 0; i < sizeof refused_prefixes / sizeof *refused_prefixes; i++)
		S3_ENSURE(!has_prefix_nocase(f->name, refused_prefixes[i]), s, S3_NOT_IMPLEMENTED, reterr_why,
		          "the header %.*s asks for something that is not offered here",
		          (int)(f->name.len < 64 ? f->name.len : 64), (const char *)f->name.ptr);
	for (size_t i = 0; i < sizeof restricted / sizeof *restricted; i++) {
		if (!slice_is_str_nocase(f->name, restricted[i].name))
			continue;
		S3_ENSURE(restricted[i].only && slice_is_str(f->value, restricted[i].only), s, S3_NOT_IMPLEMENTED,
		          reterr_why, "the header %s is not offered here%s%s", restricted[i].name,
		          restricted[i].only ? " with another value than " : "",
		          restricted[i].only ? restricted[i].only : "");
	}
	return ERR_OK;
}

int s3_meta_check_request(struct s3 *s, struct why *reterr_why)
{
	const struct http1_fields *fields = &s->http->fields;

	for (size_t i = 0; i < fields->count; i++)
		TRY(check_field(s, &fields->at[i], reterr_why));
	return ERR_OK;
}

/* Drops "aws-chunked" from Content-Encoding: that coding is of the transfer, not of the object. */
static struct slice stored_encoding(struct slice value)
{
	static const char coding[] = "aws-chunked";
	size_t len = sizeof coding - 1;

	if (!has_prefix_nocase(value, coding)) { /* botocore appends it to the object's own */
		if (value.len > len && slice_is_str_nocase(slice_of(value.ptr + value.len - len, len), coding)) {
			value = http1_trim(slice_of(value.ptr, value.len - len));
			if (value.len && value.ptr[value.len - 1] == ',')
				value = http1_trim(slice_of(value.ptr, value.len - 1));
		}
		return value;
	}
	value = http1_trim(slice_of(value.ptr + len, value.len - len));
	if (value.len && value.ptr[0] == ',')
		value = http1_trim(slice_of(value.ptr + 1, value.len - 1));
	return value;
}

static int set_text(struct s3 *s, json_t *object, const char *name, struct slice value, struct why *reterr_why)
{
	int err = json_set_str(object, name, value, reterr_why);

	S3_ENSURE(err != ERR_INVALID, s, S3_INVALID_ARGUMENT, reterr_why, "the header %s is not UTF-8", name);
	return err;
}

static int add_kept(struct s3 *s, json_t *headers, struct why *reterr_why)
{
	for (size_t i = 0; i < KEPT; i++) {
		struct slice value = {0};

		TRY(s3_header(s, kept[i].name, &value, reterr_why));
		if (slice_is_str(slice_str(kept[i].name), "content-encoding"))
			value = stored_encoding(value);
		if (value.len)
			TRY(set_text(s, headers, kept[i].name, value, reterr_why));
	}
	return ERR_OK;
}

/* x-amz-meta-* by their names in lower case. */
static int add_user(struct s3 *s, json_t *user, struct why *reterr_why)
{
	const struct http1_fields *fields = &s->http->fields;
	const size_t prefix = sizeof user_prefix - 1;
	size_t bytes = 0;

	for (size_t i = 0; i < fields->count; i++) {
		char name[S3_USER_METADATA_BYTES_MAX + 1];
		struct slice rest;

		if (!has_prefix_nocase(fields->at[i].name, user_prefix))
			continue;
		rest = slice_of(fields->at[i].name.ptr + prefix, fields->at[i].name.len - prefix);
		bytes += rest.len + fields->at[i].value.len;
		S3_ENSURE(bytes <= S3_USER_METADATA_BYTES_MAX, s, S3_METADATA_TOO_LARGE, reterr_why,
		          "more than %d bytes of x-amz-meta-* headers", S3_USER_METADATA_BYTES_MAX);
		TRY(slice_to_str(rest, name, sizeof name, reterr_why));
		for (char *at = name; *at; at++)
			if (*at >= 'A' && *at <= 'Z')
				*at = (char)(*at | 0x20);
		S3_ENSURE(!json_object_get(user, name), s, S3_INVALID_REQUEST, reterr_why,
		          "the header x-amz-meta-%s is there twice", name);
		TRY(set_text(s, user, name, fields->at[i].value, reterr_why));
	}
	return ERR_OK;
}

static int set_new_object(json_t *meta, const char *name, json_t **ret_object, struct why *reterr_why)
{
	*ret_object = json_object();
	ENSURE(*ret_object && json_object_set_new(meta, name, *ret_object) == 0, ERR_UNAVAILABLE, reterr_why,
	       "out of memory for an object's metadata");
	return ERR_OK;
}

int s3_meta_new(struct s3 *s, json_t **ret_meta, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *meta = json_object();
	json_t *part;

	ENSURE(meta, ERR_UNAVAILABLE, reterr_why, "out of memory for an object's metadata");
	TRY(set_new_object(meta, "headers", &part, reterr_why));
	TRY(add_kept(s, part, reterr_why));
	TRY(set_new_object(meta, "user", &part, reterr_why));
	TRY(add_user(s, part, reterr_why));
	*ret_meta = take_ptr(meta);
	return ERR_OK;
}

int s3_meta_set_checksum(json_t *meta, enum s3_checksum_kind kind, const char *value, const char *type,
                         struct why *reterr_why)
{
	json_t *checksum;

	TRY(set_new_object(meta, "checksum", &checksum, reterr_why));
	TRY(json_set_str(checksum, "kind", slice_str(s3_checksum_name(kind)), reterr_why));
	if (value)
		TRY(json_set_str(checksum, "value", slice_str(value), reterr_why));
	return json_set_str(checksum, "type", slice_str(type), reterr_why);
}

int s3_meta_checksum(const json_t *meta, struct s3_meta_checksum *ret_checksum, struct why *reterr_why)
{
	struct s3_meta_checksum checksum = {.value = "", .type = ""};
	const char *kind = "";
	json_t *object = NULL;

	TRY(json_opt_object(meta, "checksum", &object, reterr_why));
	if (object) {
		TRY(json_opt_str(object, "kind", &kind, reterr_why));
		TRY(json_opt_str(object, "value", &checksum.value, reterr_why));
		TRY(json_opt_str(object, "type", &checksum.type, reterr_why));
		checksum.kind = s3_checksum_by_name(slice_str(kind));
	}
	*ret_checksum = checksum;
	return ERR_OK;
}

/* A response-* parameter counts, else what is stored, else for the type S3's own default. */
static int answer_kept(struct s3 *s, const json_t *headers, struct why *reterr_why)
{
	for (size_t i = 0; i < KEPT; i++) {
		struct slice value = s3_param(s, kept[i].override);
		const char *stored = slice_is_str(slice_str(kept[i].name), "content-type") ? "binary/octet-stream" : "";
		int err;

		TRY(json_opt_str(headers, kept[i].name, &stored, reterr_why));
		if (!value.len)
			value = slice_str(stored);
		if (!value.len)
			continue;
		err = s3_field(s, kept[i].name, value, reterr_why);
		S3_ENSURE(err != ERR_INVALID, s, S3_INVALID_ARGUMENT, reterr_why,
		          "%s cannot be sent as a header with this value", kept[i].name);
		TRY(err);
	}
	return ERR_OK;
}

static int answer_user(struct s3 *s, json_t *user, struct why *reterr_why)
{
	char field[sizeof user_prefix + S3_USER_METADATA_BYTES_MAX];
	const char *name;
	json_t *value;

	json_object_foreach(user, name, value)
	{
		int len = snprintf(field, sizeof field, "%s%s", user_prefix, name);

		ENSURE(len > 0 && (size_t)len < sizeof field, ERR_INTERNAL, reterr_why, "a long name of metadata");
		TRY(s3_field_str(s, field, json_string_value(value), reterr_why));
	}
	return ERR_OK;
}

int s3_meta_answer(struct s3 *s, const json_t *meta, bool wants_checksum, struct why *reterr_why)
{
	struct s3_meta_checksum checksum;
	json_t *part;

	TRY(json_get_object(meta, "headers", &part, reterr_why));
	TRY(answer_kept(s, part, reterr_why));
	TRY(json_get_object(meta, "user", &part, reterr_why));
	TRY(answer_user(s, part, reterr_why));
	TRY(s3_meta_checksum(meta, &checksum, reterr_why));
	if (!wants_checksum || checksum.kind == S3_CHECKSUM_NONE || !checksum.value[0])
		return ERR_OK;
	TRY(s3_field_str(s, s3_checksum_header(checksum.kind), checksum.value, reterr_why));
	return s3_field_str(s, "x-amz-checksum-type", checksum.type, reterr_why);
}
