#include "daemon/init/init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/time.h"
#include "crypto/init.h"
#include "daemon/keys/init.h"
#include "daemon/keys/service.h"
#include "daemon/role/role.h"
#include "daemon/supervisor/state_dir.h"

struct options {
	const char *state, *passphrase_file, *region, *host;
	char *accounts; /* owned; its commas become ends */
	uint64_t uid_base;
};

static int read_option(struct options *o, const char *name, char *value, struct why *reterr_why)
{
	struct slice option = slice_str(name);

	if (slice_is_str(option, "--state"))
		o->state = value;
	else if (slice_is_str(option, "--passphrase-file"))
		o->passphrase_file = value;
	else if (slice_is_str(option, "--region"))
		o->region = value;
	else if (slice_is_str(option, "--host"))
		o->host = value;
	else if (slice_is_str(option, "--accounts"))
		o->accounts = value;
	else if (slice_is_str(option, "--uid-base"))
		return slice_to_u64(slice_str(value), UINT32_MAX - 1 - ROLE_NUMBER_MAX, &o->uid_base, reterr_why);
	else {
		why_set(reterr_why, "--init has no option %s; see cloisterd --help", name);
		return ERR_INVALID;
	}
	return ERR_OK;
}

static int read_options(int argc, char **argv, struct options *o, struct why *reterr_why)
{
	for (int i = 0; i < argc; i += 2) {
		ENSURE(i + 1 < argc, ERR_INVALID, reterr_why, "%s takes a value; see cloisterd --help", argv[i]);
		TRY(read_option(o, argv[i], argv[i + 1], reterr_why));
	}
	ENSURE(o->state && o->passphrase_file, ERR_INVALID, reterr_why,
	       "say where the state is to be kept, and what unseals it: --state DIR --passphrase-file FILE");
	return ERR_OK;
}

static int split_accounts(char *names, struct keys_init_spec *spec, struct why *reterr_why)
{
	for (char *rest = names, *name; (name = strsep(&rest, ","));) {
		ENSURE(spec->account_count < KEYS_ACCOUNTS_AT_INIT_MAX, ERR_LIMIT, reterr_why,
		       "at most %d accounts are made here; make others later", KEYS_ACCOUNTS_AT_INIT_MAX);
		spec->accounts[spec->account_count++] = name;
	}
	return ERR_OK;
}

/* Everything in a role's directory is its user's. */
static int give(int dir_fd, uid_t uid, struct why *reterr_why)
{
	int copy = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	int err = ERR_OK;

	ENSURE_SYS(dir, reterr_why, "cannot list a role's directory");
	rewinddir(dir);
	for (struct dirent *entry; err == ERR_OK && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		if (fchownat(dir_fd, entry->d_name, uid, uid, AT_SYMLINK_NOFOLLOW) != 0)
			err = why_errno(reterr_why, errno, "cannot give %s to user %u", entry->d_name, uid);
	}
	(void)closedir(dir);
	return err;
}

static uid_t user_of(const struct options *o, enum role_number role)
{
	return geteuid() == 0 ? (uid_t)(o->uid_base + role) : geteuid();
}

static int print(const json_t *answer, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;

	TRY(buf_new(65536, &text, reterr_why));
	TRY(json_put(answer, text, reterr_why));
	TRY(buf_put_str(text, "\n", reterr_why));
	return fd_write_all(1, buf_slice(text), reterr_why);
}

static int make(const struct options *o, const struct state_dir *state, struct keys_init_spec *spec,
                struct why *reterr_why)
{
	uid_t keys_user = user_of(o, ROLE_KEYS), front_user = user_of(o, ROLE_FRONT);
	CLEANUP(fd_closep) int keys_fd = -1;
	CLEANUP(fd_closep) int store_fd = -1;
	CLEANUP(json_freep) json_t *answer = NULL;
	char database[PATH_BYTES_MAX + 32], ca[PATH_BYTES_MAX + 32];

	TRY(state_dir_role(state, "keys", keys_user, keys_user, &keys_fd, reterr_why));
	TRY(state_dir_role(state, "store", front_user, front_user, &store_fd, reterr_why));
	(void)snprintf(database, sizeof database, "%s/keys/%s", o->state, KEYS_DATABASE_FILE);
	(void)snprintf(ca, sizeof ca, "%s/ca.pem", o->state);
	spec->keys_fd = keys_fd;
	spec->store_fd = store_fd;
	spec->state_fd = state->fd;
	spec->database = database;
	spec->ca_path = ca;
	TRY(keys_init(spec, &answer, reterr_why));
	if (geteuid() == 0) {
		TRY(give(keys_fd, keys_user, reterr_why));
		TRY(give(store_fd, front_user, reterr_why));
	}
	return print(answer, reterr_why);
}

int init_run(int argc, char **argv, const struct system *system, struct why *reterr_why)
{
	struct options o = {.region = "us-east-1", .uid_base = ROLE_UID_BASE};
	struct keys_init_spec spec = {.now_ms = time_wall_ms()};
	CLEANUP(secret_freep) struct secret *passphrase = NULL;
	CLEANUP(state_dir_close) struct state_dir state = {.fd = -1, .lock_fd = -1};
	(void)system;

	TRY(read_options(argc, argv, &o, reterr_why));
	ENSURE(strlen(o.state) < PATH_BYTES_MAX, ERR_LIMIT, reterr_why, "the path of the state directory is too long");
	TRY(secret_arenas_open(reterr_why));
	TRY(crypto_open(reterr_why));
	TRY(json_init(reterr_why));
	TRY(split_accounts(o.accounts, &spec, reterr_why));
	TRY(file_read_secret(o.passphrase_file, &passphrase, reterr_why));
	spec.passphrase = passphrase;
	spec.region = o.region;
	spec.host = o.host;
	TRY(state_dir_open(o.state, &state, reterr_why));
	return make(&o, &state, &spec, reterr_why);
}
