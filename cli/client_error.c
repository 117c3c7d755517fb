/* What the errors of S3 (XML), IAM and STS (XML) and KMS (JSON) mean to whoever called. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cli/client.h"

struct remote_error {
	char code[96], message[300], request_id[80];
};

static const struct {
	const char *part; /* of the code */
	int err;
	const char *next; /* what to do, or NULL */
} meanings[] = {
	{"InvalidCiphertext", ERR_TAMPERED, NULL},
	{"UnrecognizedClient", ERR_DENIED, "check the access key (AWS_ACCESS_KEY_ID or ~/.aws/credentials)"},
	{"InvalidAccessKeyId", ERR_DENIED, "check the access key (AWS_ACCESS_KEY_ID or ~/.aws/credentials)"},
	{"InvalidClientTokenId", ERR_DENIED, "check the access key (AWS_ACCESS_KEY_ID or ~/.aws/credentials)"},
	{"SignatureDoesNotMatch", ERR_DENIED, "check the secret access key"},
	{"InvalidSignature", ERR_DENIED, "check the secret access key"},
	{"RequestTimeTooSkewed", ERR_DENIED, "set this machine's clock"},
	{"ExpiredToken", ERR_DENIED, "assume the role again by cloister session assume-role"},
	{"AccessDenied", ERR_DENIED, NULL},
	{"NotFound", ERR_NOTFOUND, NULL},
	{"NoSuch", ERR_NOTFOUND, NULL},
	{"AlreadyExists", ERR_CONFLICT, NULL},
	{"AlreadyOwned", ERR_CONFLICT, NULL},
	{"Conflict", ERR_CONFLICT, NULL},
	{"NotEmpty", ERR_CONFLICT, NULL},
	{"Disabled", ERR_CONFLICT, NULL},
	{"LimitExceeded", ERR_LIMIT, NULL},
	{"Throttl", ERR_UNAVAILABLE, "try again later"},
	{"SlowDown", ERR_UNAVAILABLE, "try again later"},
	{"BadDigest", ERR_TAMPERED, NULL},
	{"XAmzContentSHA256Mismatch", ERR_TAMPERED, NULL},
};

/* Cuts what does not fit: it is only shown. */
static void keep(struct slice text, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)(text.len < size ? text.len : size), (const char *)text.ptr);
}

static bool read_xml(struct slice body, struct remote_error *e)
{
	CLEANUP(xml_freep) struct xml *doc = NULL;
	struct slice code = {0}, message = {0}, id = {0};
	const struct xml_node *error, *outer = NULL;

	if (xml_read(body, &doc, NULL) != ERR_OK)
		return false;
	if (xml_root(doc, "Error", &error, NULL) != ERR_OK) {
		if (xml_root(doc, "ErrorResponse", &outer, NULL) != ERR_OK)
			return false;
		error = xml_child(outer, "Error");
	}
	if (!error || xml_get_text(error, "Code", &code, NULL) != ERR_OK)
		return false;
	(void)!xml_opt_text(error, "Message", &message, NULL);
	(void)!xml_opt_text(outer ? outer : error, "RequestId", &id, NULL);
	keep(code, e->code, sizeof e->code);
	keep(message, e->message, sizeof e->message);
	keep(id, e->request_id, sizeof e->request_id);
	return true;
}

static bool read_json(struct slice body, struct remote_error *e)
{
	CLEANUP(json_freep) json_t *json = NULL;
	const char *code = "", *message = "", *hash;

	if (json_read_object(body, &json, NULL) != ERR_OK || json_get_str(json, "__type", &code, NULL) != ERR_OK)
		return false;
	if (json_opt_str(json, "message", &message, NULL) != ERR_OK || !message[0])
		(void)!json_opt_str(json, "Message", &message, NULL);
	hash = strrchr(code, '#');
	keep(slice_str(hash ? hash + 1 : code), e->code, sizeof e->code);
	keep(slice_str(message), e->message, sizeof e->message);
	return true;
}

static int by_status(unsigned status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOTFOUND;
	case 409:
	case 412:
		return ERR_CONFLICT;
	case 413:
	case 431:
		return ERR_LIMIT;
	default:
		return status == 429 || status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
	}
}

int client_error(unsigned status, struct slice body, struct why *why)
{
	struct remote_error e = {.code = ""};
	const char *next = NULL;
	int err = by_status(status);

	if (!read_xml(body, &e) && !read_json(body, &e)) {
		why_set(why, "the server answers with status %u and no reason", status);
		return err;
	}
	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		if (strstr(e.code, meanings[i].part)) {
			err = meanings[i].err;
			next = meanings[i].next;
			break;
		}
	}
	why_set(why, "%s%s%s%s%s%s%s%s", e.message[0] ? e.message : "the server refuses", next ? "; " : "",
	        next ? next : "", " (", e.code, e.request_id[0] ? ", request " : "", e.request_id, ")");
	return err;
}
