#include "daemon/link/call.h"

#include <string.h>

static int put_fields(const struct call_field *fields, size_t count, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_u16be(into, (uint16_t)count, reterr_why));
	for (size_t i = 0; i < count; i++) {
		TRY(buf_put_lp(into, fields[i].name, reterr_why));
		TRY(buf_put_lp(into, fields[i].value, reterr_why));
	}
	return ERR_OK;
}

static int take_fields(struct cursor *c, size_t max, struct call_field *fields, size_t *ret_count,
                       struct why *reterr_why)
{
	uint16_t count;

	TRY(cursor_take_u16be(c, &count, reterr_why));
	ENSURE(count <= max, ERR_LIMIT, reterr_why, "%u header fields; at most %zu are accepted", count, max);
	for (size_t i = 0; i < count; i++) {
		TRY(cursor_take_lp(c, CALL_HEAD_BYTES_MAX, &fields[i].name, reterr_why));
		TRY(cursor_take_lp(c, CALL_HEAD_BYTES_MAX, &fields[i].value, reterr_why));
	}
	*ret_count = count;
	return ERR_OK;
}

int call_head_put(const struct call_head *head, struct buf *into, struct why *reterr_why)
{
	ENSURE(head->field_count <= CALL_FIELDS_MAX, ERR_LIMIT, reterr_why,
	       "%zu header fields; at most %d are accepted", head->field_count, CALL_FIELDS_MAX);
	TRY(buf_put_lp(into, head->method, reterr_why));
	TRY(buf_put_lp(into, head->target, reterr_why));
	TRY(buf_put_u8(into, head->is_tls, reterr_why));
	TRY(buf_put_lp(into, head->peer, reterr_why));
	TRY(buf_put(into, slice_of(head->request_id, CALL_REQUEST_ID_BYTES), reterr_why));
	return put_fields(head->fields, head->field_count, into, reterr_why);
}

/* A request id goes into records and headers: nothing but letters and digits may be in it. */
static int take_request_id(struct cursor *c, char out[static CALL_REQUEST_ID_BYTES + 1], struct why *reterr_why)
{
	struct slice id;

	TRY(cursor_take(c, CALL_REQUEST_ID_BYTES, &id, reterr_why));
	for (size_t i = 0; i < id.len; i++)
		ENSURE((id.ptr[i] >= 'A' && id.ptr[i] <= 'Z') || (id.ptr[i] >= '0' && id.ptr[i] <= '9'), ERR_INVALID,
		       reterr_why, "a request id with the byte 0x%02x", id.ptr[i]);
	return slice_to_str(id, out, CALL_REQUEST_ID_BYTES + 1, reterr_why);
}

int call_flag_take(struct cursor *c, bool *ret_flag, struct why *reterr_why)
{
	uint8_t value;

	TRY(cursor_take_u8(c, &value, reterr_why));
	ENSURE(value <= 1, ERR_INVALID, reterr_why, "%u where yes (1) or no (0) was expected", value);
	*ret_flag = value;
	return ERR_OK;
}

int call_head_take(struct cursor *c, struct call_head *ret_head, struct why *reterr_why)
{
	TRY(cursor_take_lp(c, CALL_HEAD_BYTES_MAX, &ret_head->method, reterr_why));
	TRY(cursor_take_lp(c, CALL_HEAD_BYTES_MAX, &ret_head->target, reterr_why));
	TRY(call_flag_take(c, &ret_head->is_tls, reterr_why));
	TRY(cursor_take_lp(c, CALL_PEER_BYTES_MAX, &ret_head->peer, reterr_why));
	TRY(take_request_id(c, ret_head->request_id, reterr_why));
	return take_fields(c, CALL_FIELDS_MAX, ret_head->fields, &ret_head->field_count, reterr_why);
}

bool call_head_field(const struct call_head *head, const char *name, struct slice *ret_value)
{
	for (size_t i = 0; i < head->field_count; i++)
		if (slice_is_str_nocase(head->fields[i].name, name)) {
			*ret_value = head->fields[i].value;
			return true;
		}
	return false;
}

int call_answer_put(const struct call_answer *answer, struct buf *into, struct why *reterr_why)
{
	ENSURE(answer->field_count <= CALL_ANSWER_FIELDS_MAX, ERR_LIMIT, reterr_why,
	       "%zu fields in an answer; at most %d are accepted", answer->field_count, CALL_ANSWER_FIELDS_MAX);
	TRY(buf_put_u16be(into, answer->status, reterr_why));
	TRY(put_fields(answer->fields, answer->field_count, into, reterr_why));
	return buf_put_lp(into, answer->body, reterr_why);
}

int call_answer_take(struct cursor *c, struct call_answer *ret_answer, struct why *reterr_why)
{
	TRY(cursor_take_u16be(c, &ret_answer->status, reterr_why));
	ENSURE(ret_answer->status >= 200 && ret_answer->status <= 599, ERR_INVALID, reterr_why,
	       "an answer with status %u", ret_answer->status);
	TRY(take_fields(c, CALL_ANSWER_FIELDS_MAX, ret_answer->fields, &ret_answer->field_count, reterr_why));
	return cursor_take_lp(c, CALL_BODY_BYTES_MAX, &ret_answer->body, reterr_why);
}
