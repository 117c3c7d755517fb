#include "daemon/link/control.h"

#include "base/limits.h"

int control_config_put(struct buf *b, const struct control_config *c, struct why *reterr_why)
{
	TRY(buf_put_u32be(b, c->starts, reterr_why));
	TRY(buf_put_u8(b, c->has_user, reterr_why));
	TRY(buf_put_u32be(b, c->uid, reterr_why));
	TRY(buf_put_u32be(b, c->gid, reterr_why));
	return buf_put_lp(b, c->settings, reterr_why);
}

int control_config_take(struct slice body, struct control_config *ret, struct why *reterr_why)
{
	struct cursor c = cursor_of(body);
	struct control_config config;
	uint8_t has_user;

	TRY(cursor_take_u32be(&c, &config.starts, reterr_why));
	TRY(cursor_take_u8(&c, &has_user, reterr_why));
	TRY(cursor_take_u32be(&c, &config.uid, reterr_why));
	TRY(cursor_take_u32be(&c, &config.gid, reterr_why));
	TRY(cursor_take_lp(&c, IPC_INLINE_BYTES_MAX, &config.settings, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	ENSURE(has_user <= 1, ERR_INVALID, reterr_why, "a flag of %u", has_user);
	config.has_user = has_user;
	*ret = config;
	return ERR_OK;
}

int control_listener_put(struct buf *b, enum control_listener kind, struct why *reterr_why)
{
	return buf_put_u16be(b, (uint16_t)kind, reterr_why);
}

int control_listener_take(struct slice body, enum control_listener *ret, struct why *reterr_why)
{
	struct cursor c = cursor_of(body);
	uint16_t kind;

	TRY(cursor_take_u16be(&c, &kind, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	ENSURE(kind == LISTENER_HTTPS || kind == LISTENER_INSECURE_HTTP, ERR_INVALID, reterr_why,
	       "a listener of the unknown kind %u", kind);
	*ret = (enum control_listener)kind;
	return ERR_OK;
}

int control_link_put(struct buf *b, const struct control_link *l, struct why *reterr_why)
{
	TRY(buf_put_u16be(b, l->peer, reterr_why));
	return buf_put_u16be(b, l->instance, reterr_why);
}

int control_link_take(struct slice body, struct control_link *ret, struct why *reterr_why)
{
	struct cursor c = cursor_of(body);
	struct control_link l;

	TRY(cursor_take_u16be(&c, &l.peer, reterr_why));
	TRY(cursor_take_u16be(&c, &l.instance, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	*ret = l;
	return ERR_OK;
}

int control_ready_put(struct buf *b, const struct control_ready *r, struct why *reterr_why)
{
	TRY(buf_put_u32be(b, r->landlock_abi, reterr_why));
	return buf_put_u32be(b, r->uid, reterr_why);
}

int control_ready_take(struct slice body, struct control_ready *ret, struct why *reterr_why)
{
	struct cursor c = cursor_of(body);
	struct control_ready r;

	TRY(cursor_take_u32be(&c, &r.landlock_abi, reterr_why));
	TRY(cursor_take_u32be(&c, &r.uid, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	*ret = r;
	return ERR_OK;
}

int control_violation_put(struct buf *b, const struct control_violation *v, struct why *reterr_why)
{
	TRY(buf_put_u16be(b, v->peer, reterr_why));
	TRY(buf_put_u16be(b, v->instance, reterr_why));
	return buf_put_lp(b, slice_str(v->why.text), reterr_why);
}

int control_violation_take(struct slice body, struct control_violation *ret, struct why *reterr_why)
{
	struct cursor c = cursor_of(body);
	struct control_violation v;
	struct slice text;

	TRY(cursor_take_u16be(&c, &v.peer, reterr_why));
	TRY(cursor_take_u16be(&c, &v.instance, reterr_why));
	TRY(cursor_take_lp(&c, IPC_ERROR_TEXT_BYTES_MAX, &text, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	TRY(slice_to_str(text, v.why.text, sizeof v.why.text, reterr_why));
	*ret = v;
	return ERR_OK;
}
