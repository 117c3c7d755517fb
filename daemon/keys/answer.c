#include "daemon/keys/answer.h"

#include "wire/json.h"
#include "wire/utf8.h"
#include "wire/xml.h"

static const char json_mime[] = "application/x-amz-json-1.1", xml_mime[] = "text/xml";

enum { BODY_BYTES_MAX = 4096 };

void keys_answer_clear(struct keys_answer *a)
{
	buf_freep(&a->body);
}

int keys_answer_put(const struct keys_answer *a, struct buf *into, struct why *reterr_why)
{
	const struct call_answer answer = {
		.status = a->status,
		.field_count = 2,
		.fields = {{slice_str("Content-Type"), slice_str(a->content_type)},
	                   {slice_str("x-amzn-RequestId"), slice_str(a->request_id)}},
		.body = a->body ? buf_slice(a->body) : slice_of(NULL, 0),
	};

	return call_answer_put(&answer, into, reterr_why);
}

static int put_json(struct buf *body, const char *code, struct slice message, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *error = json_object();

	ENSURE(error, ERR_UNAVAILABLE, reterr_why, "out of memory for an answer");
	TRY(json_set_str(error, "__type", slice_str(code), reterr_why));
	TRY(json_set_str(error, "message", message, reterr_why));
	return json_put(error, body, reterr_why);
}

static int put_xml(struct buf *body, int status, const char *code, struct slice message, const char *request_id,
                   struct why *reterr_why)
{
	struct xml_writer w;

	xml_begin(&w, body);
	xml_open(&w, "ErrorResponse");
	xml_open(&w, "Error");
	xml_str(&w, "Type", status < 500 ? "Sender" : "Receiver");
	xml_str(&w, "Code", code);
	xml_text(&w, "Message", message);
	xml_close(&w);
	xml_str(&w, "RequestId", request_id);
	xml_close(&w);
	return xml_finish(&w, reterr_why);
}

int keys_answer_error(struct keys_answer *a, enum iam_api api, int status, const char *code, const char *message,
                      struct why *reterr_why)
{
	struct slice text = slice_str(message);

	while (!utf8_is_valid(text))
		text.len--;
	buf_freep(&a->body);
	TRY(buf_new(BODY_BYTES_MAX, &a->body, reterr_why));
	a->status = (uint16_t)status;
	a->content_type = api == IAM_API_QUERY ? xml_mime : json_mime;
	if (api == IAM_API_QUERY)
		return put_xml(a->body, status, code, text, a->request_id, reterr_why);
	return put_json(a->body, code, text, reterr_why);
}

int keys_answer_save(const struct keys_answer *a, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_u16be(into, a->status, reterr_why));
	TRY(buf_put_u8(into, a->content_type == xml_mime || slice_is_str(slice_str(a->content_type), xml_mime),
	               reterr_why));
	return buf_put(into, buf_slice(a->body), reterr_why);
}

int keys_answer_load(struct slice saved, struct keys_answer *a, struct why *reterr_why)
{
	struct cursor c = cursor_of(saved);
	uint8_t is_xml;

	TRY(cursor_take_u16be(&c, &a->status, reterr_why));
	TRY(cursor_take_u8(&c, &is_xml, reterr_why));
	a->content_type = is_xml ? xml_mime : json_mime;
	buf_freep(&a->body);
	TRY(buf_new(IAM_OUTCOME_BYTES_MAX, &a->body, reterr_why));
	return buf_put(a->body, c.rest, reterr_why);
}
