#include "daemon/front/s3_error.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/front/s3.h"
#include "wire/utf8.h"
#include "wire/xml.h"

static const struct {
	unsigned status;
	const char *name;
} codes[S3_CODES] = {
	[S3_ACCESS_DENIED] = {403, "AccessDenied"},
	[S3_BAD_DIGEST] = {400, "BadDigest"},
	[S3_BUCKET_NOT_EMPTY] = {409, "BucketNotEmpty"},
	[S3_ENTITY_TOO_LARGE] = {400, "EntityTooLarge"},
	[S3_ENTITY_TOO_SMALL] = {400, "EntityTooSmall"},
	[S3_INCOMPLETE_BODY] = {400, "IncompleteBody"},
	[S3_INTERNAL_ERROR] = {500, "InternalError"},
	[S3_INVALID_ARGUMENT] = {400, "InvalidArgument"},
	[S3_INVALID_DIGEST] = {400, "InvalidDigest"},
	[S3_INVALID_PART] = {400, "InvalidPart"},
	[S3_INVALID_PART_ORDER] = {400, "InvalidPartOrder"},
	[S3_INVALID_RANGE] = {416, "InvalidRange"},
	[S3_INVALID_REQUEST] = {400, "InvalidRequest"},
	[S3_KEY_TOO_LONG] = {400, "KeyTooLongError"},
	[S3_MALFORMED_XML] = {400, "MalformedXML"},
	[S3_METADATA_TOO_LARGE] = {400, "MetadataTooLarge"},
	[S3_METHOD_NOT_ALLOWED] = {405, "MethodNotAllowed"},
	[S3_MISSING_CONTENT_LENGTH] = {411, "MissingContentLength"},
	[S3_NO_SUCH_BUCKET] = {404, "NoSuchBucket"},
	[S3_NO_SUCH_KEY] = {404, "NoSuchKey"},
	[S3_NO_SUCH_UPLOAD] = {404, "NoSuchUpload"},
	[S3_NO_SUCH_VERSION] = {404, "NoSuchVersion"},
	[S3_NOT_IMPLEMENTED] = {501, "NotImplemented"},
	[S3_NOT_MODIFIED] = {304, "NotModified"},
	[S3_PRECONDITION_FAILED] = {412, "PreconditionFailed"},
	[S3_REQUEST_TIMEOUT] = {400, "RequestTimeout"},
	[S3_SERVICE_UNAVAILABLE] = {503, "ServiceUnavailable"},
	[S3_SIGNATURE_DOES_NOT_MATCH] = {403, "SignatureDoesNotMatch"},
	[S3_SLOW_DOWN] = {503, "SlowDown"},
	[S3_SHA256_MISMATCH] = {400, "XAmzContentSHA256Mismatch"},
};

const char *s3_code_name(enum s3_code code)
{
	return codes[code].name;
}

int s3_refuse(struct s3 *s, enum s3_code code, struct why *reterr_why, const char *fmt, ...)
{
	struct why why;
	va_list args;

	va_start(args, fmt);
	vsnprintf(why.text, sizeof why.text, fmt, args);
	va_end(args);
	why_set(reterr_why, "%s", why.text);
	s->code = code;
	return ERR_INVALID;
}

/* What a library's error is called when the operation did not say. */
static enum s3_code code_of(int err)
{
	switch (err_class(err)) {
	case ERR_INVALID:
		return S3_INVALID_REQUEST;
	case ERR_DENIED:
		return S3_ACCESS_DENIED;
	case ERR_NOTFOUND:
		return S3_NOT_IMPLEMENTED;
	case ERR_CONFLICT:
		return S3_PRECONDITION_FAILED;
	case ERR_LIMIT:
		return S3_ENTITY_TOO_LARGE;
	case ERR_UNAVAILABLE:
		return S3_SERVICE_UNAVAILABLE;
	default:
		return S3_INTERNAL_ERROR;
	}
}

/* A sentence may repeat bytes of the request: what is no UTF-8 cannot stand in XML. */
static struct slice sentence_of(struct slice text)
{
	return utf8_is_valid(text) ? text : slice_str("the request cannot be served; it holds bytes that are no UTF-8");
}

static int put_error(struct s3 *s, const char *code, struct slice message, struct why *reterr_why)
{
	struct xml_writer xml;

	buf_reset(s->w->answer);
	xml_begin(&xml, s->w->answer);
	xml_open(&xml, "Error");
	xml_str(&xml, "Code", code);
	xml_text(&xml, "Message", sentence_of(message));
	xml_text(&xml, "Resource", s->http->uri.path); /* still encoded, so it is ASCII */
	xml_str(&xml, "RequestId", s->request_id);
	xml_close(&xml);
	return xml_finish(&xml, reterr_why);
}

static int send_error(struct s3 *s, unsigned status, const char *code, struct slice message, struct why *reterr_why)
{
	TRY(put_error(s, code, message, reterr_why));
	return s3_answer_xml(s, status, reterr_why);
}

int s3_answer_refusal(struct s3 *s, unsigned status, struct slice code, struct slice message, struct why *reterr_why)
{
	char name[64];

	TRY(slice_to_str(code, name, sizeof name, reterr_why));
	return send_error(s, status, name, message, reterr_why);
}

/* The object is hidden by a delete marker, or the version asked for is one. */
static int add_marker(struct s3 *s, struct why *reterr_why)
{
	if (!s->is_marker)
		return ERR_OK;
	TRY(s3_field_str(s, "x-amz-delete-marker", "true", reterr_why));
	return s3_field_version(s, s->marker_id, reterr_why);
}

int s3_answer_error(struct s3 *s, int err, const struct why *why, struct why *reterr_why)
{
	enum s3_code code = s->code != S3_CODE_NONE ? s->code : code_of(err);

	if (http_exchange_has_begun(s->x) || err == ERR_CLOSED) { /* half an answer must not look like a whole one */
		why_set(reterr_why, "%s", why->text);
		return err;
	}
	/* A 304 repeats the fields that the 200 would have had. */
	if (code == S3_NOT_MODIFIED)
		return s3_answer_empty(s, 304, reterr_why);
	http_exchange_fields_reset(s->x);
	TRY(s3_field_str(s, "x-amz-request-id", s->request_id, reterr_why));
	TRY(add_marker(s, reterr_why));
	/* What went wrong inside is the log's to tell. */
	return send_error(
		s, codes[code].status, codes[code].name,
		slice_str(code == S3_INTERNAL_ERROR ? "an internal error; the operator's log has it" : why->text),
		reterr_why);
}
