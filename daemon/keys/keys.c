#include "daemon/keys/keys.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "crypto/init.h"
#include "daemon/keys/role.h"
#include "daemon/keys/settings.h"

/* While files outside its directory can still be read. */
static int open_role(struct role *role, struct why *reterr_why)
{
	struct keys_process *p = calloc(1, sizeof *p);
	struct keys_settings settings;
	char path[PATH_BYTES_MAX + 1];

	ENSURE(p, ERR_UNAVAILABLE, reterr_why, "out of memory for keys");
	role->own = p;
	p->role = role;
	TRY(crypto_open(reterr_why));
	TRY(json_init(reterr_why));
	TRY(keys_settings_take(buf_slice(role->settings), &settings, reterr_why));
	TRY(slice_to_str(settings.region, p->region, sizeof p->region, reterr_why));
	if (!settings.passphrase_file.len)
		return ERR_OK;
	TRY(slice_to_str(settings.passphrase_file, path, sizeof path, reterr_why));
	return file_read_secret(path, &p->passphrase, reterr_why);
}

/* Unseals, if there is what to unseal and something to do it with. */
static int start(struct role *role, struct why *reterr_why)
{
	struct keys_process *p = role->own;
	const struct keys_service_options options = {
		.database = KEYS_DATABASE_FILE, .dir_fd = role->directory_fd, .region = p->region};
	struct kms_unseal unseal;
	char provider[16];
	int err = kms_root_provider(role->directory_fd, provider, reterr_why);

	if (err == ERR_NOTFOUND || !p->passphrase) {
		LOG(LOG_WARN, "keys.sealed",
		    LOG_STR("why", err == ERR_NOTFOUND ? "there is no root key yet: run cloisterd --init"
		                                       : "there is no passphrase to unseal it with"));
		secret_freep(&p->passphrase);
		role->state = ROLE_SEALED;
		return ERR_OK;
	}
	TRY(err);
	unseal = kms_unseal_passphrase(p->passphrase);
	err = keys_service_open(&options, &unseal, &p->service, reterr_why);
	secret_freep(&p->passphrase);
	TRY(err);
	keys_process_begin(p);
	return ERR_OK;
}

static void stop(struct role *role)
{
	struct keys_process *p = role->own;

	p->is_stopping = true;
	if (!p->service)
		role_stopped(role);
	else
		keys_process_begin(p);
}

const struct role_spec keys_role = {
	.number = ROLE_KEYS,
	.name = "keys",
	.directory = "keys",
	.open_files = 256,
	.syscalls = keys_syscalls,
	.permits = &keys_permits,
	.permits_count = 1,
	.open = open_role,
	.start = start,
	.stop = stop,
};
