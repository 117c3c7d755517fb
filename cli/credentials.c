/* Who asks: access keys where AWS's own tools keep them (profile.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/profile.h"
#include "wire/http1_fields.h"

enum { CREDENTIALS_FILE_BYTES_MAX = 1 << 20 };

void credentials_clear(struct credentials *c)
{
	secret_free(c->secret_key);
	free(c->token);
	*c = (struct credentials){0};
}

static int fill(struct credentials *c, struct slice access_key, struct slice secret_key, struct slice token,
                struct why *reterr_why)
{
	TRY(slice_to_str(access_key, c->access_key, sizeof c->access_key, reterr_why));
	TRY(secret_new_from(secret_key, &c->secret_key, reterr_why));
	return token.len ? slice_dup_str(token, &c->token, reterr_why) : ERR_OK;
}

/* "[name]" */
static bool is_section(struct slice line, const char *name)
{
	return line.len >= 2 && line.ptr[0] == '[' && line.ptr[line.len - 1] == ']' &&
	       slice_is_str(http1_trim(slice_of(line.ptr + 1, line.len - 2)), name);
}

static struct slice take_line(struct cursor *in)
{
	struct slice line = in->rest;

	if (cursor_take_until(in, '\n', &line, NULL) != ERR_OK)
		in->rest = (struct slice){0};
	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	return http1_trim(line);
}

static void take_setting(struct slice line, struct slice *access_key, struct slice *secret_key, struct slice *token)
{
	struct cursor in = cursor_of(line);
	struct slice name, value;

	if (line.len == 0 || line.ptr[0] == '#' || cursor_take_until(&in, '=', &name, NULL) != ERR_OK)
		return;
	name = http1_trim(name);
	value = http1_trim(in.rest);
	if (slice_is_str(name, "aws_access_key_id"))
		*access_key = value;
	else if (slice_is_str(name, "aws_secret_access_key"))
		*secret_key = value;
	else if (slice_is_str(name, "aws_session_token"))
		*token = value;
}

int credentials_parse(struct slice text, const char *section, struct credentials *ret_credentials,
                      struct why *reterr_why)
{
	CLEANUP(credentials_clear) struct credentials c = {0};
	struct slice access_key = {0}, secret_key = {0}, token = {0};
	struct cursor in = cursor_of(text);
	bool is_ours = false, is_there = false;

	while (in.rest.len) {
		struct slice line = take_line(&in);

		if (line.len && line.ptr[0] == '[') {
			is_ours = is_section(line, section);
			is_there |= is_ours;
		} else if (is_ours) {
			take_setting(line, &access_key, &secret_key, &token);
		}
	}
	ENSURE(is_there, ERR_NOTFOUND, reterr_why, "it has no section [%s]", section);
	ENSURE(access_key.len && secret_key.len, ERR_INVALID, reterr_why,
	       "its section [%s] has no aws_access_key_id or no aws_secret_access_key", section);
	TRY(fill(&c, access_key, secret_key, token, reterr_why));
	*ret_credentials = c;
	c = (struct credentials){0};
	return ERR_OK;
}

static int load_file(const char *section, struct credentials *ret_credentials, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	const char *path = getenv("AWS_SHARED_CREDENTIALS_FILE"), *home = getenv("HOME");
	char usual[PATH_BYTES_MAX];
	int err;

	if (!path || !path[0]) {
		snprintf(usual, sizeof usual, "%s/.aws/credentials", home ? home : "");
		path = usual;
	}
	TRY(buf_new(CREDENTIALS_FILE_BYTES_MAX, &text, reterr_why));
	err = file_read_given(path, text, reterr_why);
	ENSURE(err != ERR_NOTFOUND, ERR_DENIED, reterr_why,
	       "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write %s", path);
	TRY(err);
	err = credentials_parse(buf_slice(text), section, ret_credentials, reterr_why);
	if (err != ERR_OK)
		why_prefix(reterr_why, "%s: ", path);
	return err == ERR_NOTFOUND ? ERR_DENIED : err;
}

int credentials_load(const char *profile, struct credentials *ret_credentials, struct why *reterr_why)
{
	const char *access_key = getenv("AWS_ACCESS_KEY_ID"), *secret_key = getenv("AWS_SECRET_ACCESS_KEY");
	const char *token = getenv("AWS_SESSION_TOKEN"), *section = getenv("AWS_PROFILE");
	CLEANUP(credentials_clear) struct credentials c = {0};

	if (!access_key || !access_key[0])
		return load_file(section && section[0] ? section : profile, ret_credentials, reterr_why);
	ENSURE(secret_key && secret_key[0], ERR_DENIED, reterr_why,
	       "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not; set both or neither");
	TRY(fill(&c, slice_str(access_key), slice_str(secret_key), slice_str(token), reterr_why));
	*ret_credentials = c;
	c = (struct credentials){0};
	return ERR_OK;
}
