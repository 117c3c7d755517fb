#include "daemon/link/front_watch.h"

int event_counts_put(struct buf *b, const struct event_counts *c, struct why *reterr_why)
{
	TRY(buf_put_u32be(b, c->starts, reterr_why));
	TRY(buf_put_u64be(b, c->received, reterr_why));
	return buf_put_u64be(b, c->lost, reterr_why);
}

int event_counts_take(struct slice body, struct event_counts *ret, struct why *reterr_why)
{
	struct cursor c = cursor_of(body);
	struct event_counts e;

	TRY(cursor_take_u32be(&c, &e.starts, reterr_why));
	TRY(cursor_take_u64be(&c, &e.received, reterr_why));
	TRY(cursor_take_u64be(&c, &e.lost, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	*ret = e;
	return ERR_OK;
}
