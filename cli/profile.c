#include "cli/profile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/encode.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/path.h"
#include "wire/json.h"
#include "wire/uri.h"

#define BROKER_HEAD "cloister-broker+"
#define DEFAULT_NAME "default"

enum { PROFILE_BYTES_MAX = 256 << 10 };

void profile_clear(struct profile *p)
{
	free(p->ca_pem);
	*p = (struct profile){0};
}

int profile_name_check(const char *name, struct why *reterr_why)
{
	size_t len = strlen(name);

	ENSURE(len > 0 && len <= 64 &&
	               strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len,
	       ERR_INVALID, reterr_why, "\"%.80s\" is no name for a profile: 1 to 64 letters, digits, - and _", name);
	return ERR_OK;
}

int profile_read_endpoint(const char *url, struct profile *p, struct why *reterr_why)
{
	struct slice host, text = slice_str(url);
	uint16_t port;

	ENSURE(slice_starts_with(text, "https://"), ERR_INVALID, reterr_why,
	       "the endpoint is \"%.100s\"; https://HOST:PORT is expected, as cloister init printed it", url);
	text = slice_of(text.ptr + strlen("https://"), text.len - strlen("https://"));
	if (text.len && text.ptr[text.len - 1] == '/')
		text.len--;
	TRY(uri_authority_parse(text, &host, &port, reterr_why));
	TRY(slice_to_str(host, p->host, sizeof p->host, reterr_why));
	p->port = port ? port : 443;
	return ERR_OK;
}

int profile_read_broker_key(const char *text, struct profile *p, struct why *reterr_why)
{
	size_t head = strlen(BROKER_HEAD), len = 0;

	ENSURE(strncmp(text, BROKER_HEAD, head) == 0 &&
	               base64_decode(slice_str(text + head), p->broker_key, sizeof p->broker_key, &len, NULL) ==
	                       ERR_OK &&
	               len == sizeof p->broker_key,
	       ERR_INVALID, reterr_why,
	       "\"%.40s\" is no broker key: one is " BROKER_HEAD " and 88 characters, as cloister init printed it",
	       text);
	return ERR_OK;
}

int profile_print(const struct profile *p, struct buf *into, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *json = json_object();
	char endpoint[PROFILE_HOST_BYTES + 24], key[sizeof BROKER_HEAD + BASE64_LEN(PROFILE_BROKER_BYTES)];
	bool is_v6 = strchr(p->host, ':') != NULL;

	ENSURE(json, ERR_UNAVAILABLE, reterr_why, "out of memory");
	snprintf(endpoint, sizeof endpoint, "https://%s%s%s:%u", is_v6 ? "[" : "", p->host, is_v6 ? "]" : "", p->port);
	snprintf(key, sizeof key, BROKER_HEAD);
	base64_encode(slice_of(p->broker_key, sizeof p->broker_key), key + strlen(BROKER_HEAD));
	TRY(json_set_int(json, "v", 1, reterr_why));
	TRY(json_set_str(json, "endpoint", slice_str(endpoint), reterr_why));
	TRY(json_set_str(json, "region", slice_str(p->region), reterr_why));
	TRY(json_set_str(json, "broker_key", slice_str(key), reterr_why));
	TRY(json_set_str(json, "ca", slice_str(p->ca_pem), reterr_why));
	TRY(json_put(json, into, reterr_why));
	return buf_put_u8(into, '\n', reterr_why);
}

static int fill(const json_t *json, struct profile *p, struct why *reterr_why)
{
	static const char *const known[] = {"v", "endpoint", "region", "broker_key", "ca", NULL};
	const char *endpoint, *region, *key, *ca;
	int64_t version;

	TRY(json_get_int(json, "v", 1, 1, &version, reterr_why));
	TRY(json_only_members(json, known, reterr_why));
	TRY(json_get_str(json, "endpoint", &endpoint, reterr_why));
	TRY(json_get_str(json, "region", &region, reterr_why));
	TRY(json_get_str(json, "broker_key", &key, reterr_why));
	TRY(json_get_str(json, "ca", &ca, reterr_why));
	TRY(profile_read_endpoint(endpoint, p, reterr_why));
	TRY(profile_read_broker_key(key, p, reterr_why));
	TRY(slice_to_str(slice_str(region), p->region, sizeof p->region, reterr_why));
	return slice_dup_str(slice_str(ca), &p->ca_pem, reterr_why);
}

int profile_parse(struct slice text, const char *name, struct profile *ret_profile, struct why *reterr_why)
{
	CLEANUP(profile_clear) struct profile p = {0};
	CLEANUP(json_freep) json_t *json = NULL;

	TRY(profile_name_check(name, reterr_why));
	TRY(slice_to_str(slice_str(name), p.name, sizeof p.name, reterr_why));
	TRY(json_read_object(text, &json, reterr_why));
	TRY(fill(json, &p, reterr_why));
	*ret_profile = p;
	p = (struct profile){0};
	return ERR_OK;
}

/* Opens ~/.config/cloister, made if it is not there. */
static int open_directory(int *ret_fd, struct why *reterr_why)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char path[PATH_BYTES_MAX];
	int len;

	if (config && config[0] == '/') {
		len = snprintf(path, sizeof path, "%s/cloister", config);
	} else {
		ENSURE(home && home[0] == '/', ERR_INVALID, reterr_why,
		       "$HOME names no directory; set it, profiles are kept in ~/.config/cloister");
		len = snprintf(path, sizeof path, "%s/.config/cloister", home);
	}
	ENSURE(len > 0 && (size_t)len < sizeof path, ERR_LIMIT, reterr_why, "the path of ~/.config is too long");
	return path_mkdir_given(path, 0700, ret_fd, reterr_why);
}

static int read_private(int dir_fd, const char *file, struct buf *into, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	struct stat st;

	TRY(path_open_beneath(dir_fd, file, O_RDONLY, 0, &fd, reterr_why));
	ENSURE(fstat(fd, &st) == 0 && (st.st_mode & 022) == 0, ERR_DENIED, reterr_why,
	       "the profile %s can be written by others, who would choose whom you trust; chmod it to 600", file);
	return fd_read_to_end(fd, into, reterr_why);
}

int profile_load(const char *name, struct profile *ret_profile, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	CLEANUP(fd_closep) int dir_fd = -1;
	char file[80];
	int err;

	name = name ? name : getenv("CLOISTER_PROFILE");
	name = name && name[0] ? name : DEFAULT_NAME;
	TRY(profile_name_check(name, reterr_why));
	snprintf(file, sizeof file, "%s.json", name);
	TRY(open_directory(&dir_fd, reterr_why));
	TRY(buf_new(PROFILE_BYTES_MAX, &text, reterr_why));
	err = read_private(dir_fd, file, text, reterr_why);
	ENSURE(err != ERR_NOTFOUND, err, reterr_why,
	       "there is no profile \"%s\"; make it by cloister login --endpoint URL --ca FILE --broker-key KEY", name);
	TRY(err);
	err = profile_parse(buf_slice(text), name, ret_profile, reterr_why);
	if (err != ERR_OK)
		why_prefix(reterr_why, "the profile \"%s\" does not read, make it anew by cloister login: ", name);
	return err;
}

int profile_store(const struct profile *p, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;
	CLEANUP(fd_closep) int dir_fd = -1;
	char file[80];

	TRY(buf_new(PROFILE_BYTES_MAX, &text, reterr_why));
	TRY(profile_print(p, text, reterr_why));
	snprintf(file, sizeof file, "%s.json", p->name);
	TRY(open_directory(&dir_fd, reterr_why));
	return file_replace(dir_fd, file, 0600, buf_slice(text), reterr_why);
}
