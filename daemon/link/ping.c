#include "daemon/link/ping.h"

int pong_put(struct buf *b, const struct pong *p, struct why *reterr_why)
{
	TRY(buf_put_u16be(b, p->role, reterr_why));
	TRY(buf_put_u32be(b, p->state, reterr_why));
	TRY(buf_put_u32be(b, p->landlock_abi, reterr_why));
	TRY(buf_put_u32be(b, p->starts, reterr_why));
	return buf_put_lp(b, slice_str(p->name), reterr_why);
}

int pong_take(struct slice body, struct pong *ret, struct why *reterr_why)
{
	struct cursor c = cursor_of(body);
	struct slice name;
	struct pong p;

	TRY(cursor_take_u16be(&c, &p.role, reterr_why));
	TRY(cursor_take_u32be(&c, &p.state, reterr_why));
	TRY(cursor_take_u32be(&c, &p.landlock_abi, reterr_why));
	TRY(cursor_take_u32be(&c, &p.starts, reterr_why));
	TRY(cursor_take_lp(&c, sizeof p.name - 1, &name, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	TRY(slice_to_str(name, p.name, sizeof p.name, reterr_why));
	*ret = p;
	return ERR_OK;
}
