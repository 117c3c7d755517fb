#include "daemon/keys/settings.h"

#include "base/limits.h"

int keys_settings_put(struct buf *b, const struct keys_settings *s, struct why *reterr_why)
{
	TRY(buf_put_lp(b, s->passphrase_file, reterr_why));
	return buf_put_lp(b, s->region, reterr_why);
}

int keys_settings_take(struct slice settings, struct keys_settings *ret, struct why *reterr_why)
{
	struct cursor c = cursor_of(settings);
	struct keys_settings s;

	TRY(cursor_take_lp(&c, PATH_BYTES_MAX, &s.passphrase_file, reterr_why));
	TRY(cursor_take_lp(&c, SIGV4_REGION_BYTES_MAX, &s.region, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	*ret = s;
	return ERR_OK;
}
