#include "daemon/supervisor/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"
#include "daemon/role/role.h"

const char supervisor_usage[] =
	"usage: cloisterd --state DIR [--listen ADDRESS:PORT] [--insecure-http ADDRESS:PORT] [--passphrase-file FILE]\n"
	"                 [--region REGION] [--roles NAME,NAME...] [--workers N] [--uid-base N]\n"
	"       cloisterd --init --state DIR --passphrase-file FILE [--region REGION] [--uid-base N]\n"
	"                 [--host NAME] [--accounts NAME,NAME...]\n"
	"Runs in the foreground and logs to standard error; SIGTERM stops it, SIGHUP reloads certificates.\n"
	"Example: cloisterd --state /var/lib/cloister --listen 127.0.0.1:8443\n";

static int read_text(const char *value, const char *option, char *out, size_t size, struct why *reterr_why)
{
	ENSURE(value[0] && strlen(value) < size, ERR_INVALID, reterr_why, "%s takes 1 to %zu characters", option,
	       size - 1);
	return slice_to_str(slice_str(value), out, size, reterr_why);
}

static int read_number(const char *value, const char *option, uint64_t min, uint64_t max, uint64_t *ret_number,
                       struct why *reterr_why)
{
	uint64_t number;

	ENSURE(slice_to_u64(slice_str(value), max, &number, NULL) == ERR_OK && number >= min, ERR_INVALID, reterr_why,
	       "%s takes a number from %llu to %llu, not %s", option, (unsigned long long)min, (unsigned long long)max,
	       value);
	*ret_number = number;
	return ERR_OK;
}

static int read_roles(const char *value, const struct system *system, uint32_t *ret_roles, struct why *reterr_why)
{
	uint32_t roles = 0;

	for (const char *at = value;;) {
		size_t len = strcspn(at, ",");
		const struct role_spec *spec = system_role_by_name(system, slice_of(at, len));

		ENSURE(spec, ERR_INVALID, reterr_why, "--roles: there is no role \"%.*s\"", (int)len, at);
		roles |= 1u << spec->number;
		if (!at[len])
			break;
		at += len + 1;
	}
	*ret_roles = roles;
	return ERR_OK;
}

static int read_option(const char *option, const char *value, const struct system *system, struct supervisor_config *c,
                       struct why *reterr_why)
{
	struct slice name = slice_str(option);
	uint64_t number;

	if (slice_is_str(name, "--state"))
		return read_text(value, option, c->state, sizeof c->state, reterr_why);
	if (slice_is_str(name, "--listen"))
		return read_text(value, option, c->listen, sizeof c->listen, reterr_why);
	if (slice_is_str(name, "--insecure-http"))
		return read_text(value, option, c->insecure_http, sizeof c->insecure_http, reterr_why);
	if (slice_is_str(name, "--passphrase-file"))
		return read_text(value, option, c->passphrase_file, sizeof c->passphrase_file, reterr_why);
	if (slice_is_str(name, "--region"))
		return read_text(value, option, c->region, sizeof c->region, reterr_why);
	if (slice_is_str(name, "--roles"))
		return read_roles(value, system, &c->roles, reterr_why);
	if (slice_is_str(name, "--workers")) {
		TRY(read_number(value, option, 1, FRONT_WORKERS_MAX, &number, reterr_why));
		c->front_workers = (uint16_t)number;
		return ERR_OK;
	}
	if (slice_is_str(name, "--uid-base")) {
		TRY(read_number(value, option, 1000, UINT32_MAX - 1 - ROLE_NUMBER_MAX, &number, reterr_why));
		c->uid_base = (uid_t)number;
		return ERR_OK;
	}
	why_set(reterr_why, "there is no option %s; see cloisterd --help", option);
	return ERR_INVALID;
}

/* Without an option, the credential that systemd hands over (LoadCredential=cloister-passphrase:...). */
static void find_credential(struct supervisor_config *c)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_BYTES_MAX];
	int len;

	if (c->passphrase_file[0] || !directory)
		return;
	len = snprintf(path, sizeof path, "%s/cloister-passphrase", directory);
	if (len > 0 && (size_t)len < sizeof path && access(path, F_OK) == 0)
		memcpy(c->passphrase_file, path, (size_t)len + 1);
}

int supervisor_options_read(int argc, char **argv, const struct system *system, struct supervisor_config *ret_config,
                            struct why *reterr_why)
{
	struct supervisor_config c = {
		.listen = "127.0.0.1:8443",
		.uid_base = ROLE_UID_BASE,
		.front_workers = FRONT_WORKERS_DEFAULT,
		.region = "us-east-1",
	};

	for (size_t i = 0; i < system->role_count; i++)
		c.roles |= 1u << system->roles[i]->number;
	for (int i = 1; i < argc; i += 2) {
		ENSURE(i + 1 < argc, ERR_INVALID, reterr_why, "%s takes a value; see cloisterd --help", argv[i]);
		TRY(read_option(argv[i], argv[i + 1], system, &c, reterr_why));
	}
	ENSURE(c.state[0], ERR_INVALID, reterr_why, "say where the state is kept: --state DIR");
	find_credential(&c);
	*ret_config = c;
	return ERR_OK;
}
