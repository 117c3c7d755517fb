#include "daemon/link/events.h"

#include "base/limits.h"

int event_put(struct buf *b, const struct event *e, struct why *reterr_why)
{
	TRY(buf_put_u32be(b, e->starts, reterr_why));
	TRY(buf_put_u64be(b, e->seq, reterr_why));
	TRY(buf_put_u64be(b, e->wall_ms, reterr_why));
	TRY(buf_put_u8(b, (uint8_t)e->severity, reterr_why));
	TRY(buf_put_lp(b, e->name, reterr_why));
	return buf_put_lp(b, e->detail, reterr_why);
}

int event_take(struct slice body, struct event *ret, struct why *reterr_why)
{
	struct cursor c = cursor_of(body);
	uint8_t severity;
	struct event e;

	TRY(cursor_take_u32be(&c, &e.starts, reterr_why));
	TRY(cursor_take_u64be(&c, &e.seq, reterr_why));
	TRY(cursor_take_u64be(&c, &e.wall_ms, reterr_why));
	TRY(cursor_take_u8(&c, &severity, reterr_why));
	TRY(cursor_take_lp(&c, EVENT_NAME_BYTES_MAX, &e.name, reterr_why));
	TRY(cursor_take_lp(&c, EVENT_DETAIL_BYTES_MAX, &e.detail, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	ENSURE(e.seq != 0, ERR_INVALID, reterr_why, "an event with the number 0");
	ENSURE(severity >= EVENT_INFO && severity <= EVENT_ALERT, ERR_INVALID, reterr_why, "an event of severity %u",
	       severity);
	e.severity = (enum event_severity)severity;
	*ret = e;
	return ERR_OK;
}

int event_ack_put(struct buf *b, uint64_t seq, struct why *reterr_why)
{
	return buf_put_u64be(b, seq, reterr_why);
}

int event_ack_take(struct slice body, uint64_t *ret_seq, struct why *reterr_why)
{
	struct cursor c = cursor_of(body);
	uint64_t seq;

	TRY(cursor_take_u64be(&c, &seq, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	*ret_seq = seq;
	return ERR_OK;
}
