#include "daemon/front/settings.h"

#include "base/limits.h"

int front_settings_put(struct buf *b, const struct front_settings *s, struct why *reterr_why)
{
	return buf_put_u16be(b, s->workers, reterr_why);
}

int front_settings_take(struct slice settings, struct front_settings *ret, struct why *reterr_why)
{
	struct cursor c = cursor_of(settings);
	struct front_settings s;

	TRY(cursor_take_u16be(&c, &s.workers, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	ENSURE(s.workers >= 1 && s.workers <= FRONT_WORKERS_MAX, ERR_INVALID, reterr_why,
	       "%u worker threads; 1 to %d are possible", s.workers, FRONT_WORKERS_MAX);
	*ret = s;
	return ERR_OK;
}
