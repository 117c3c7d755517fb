/* cloister login: stores where an installation is and whom to trust there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/print.h"
#include "cli/profile.h"
#include "cli/verbs.h"
#include "net/http_client.h"

enum { CA_BYTES_MAX = 128 << 10 };

/* Asks for the installation's health: that it is there and that its certificate is by this CA. */
static int check(const struct profile *p, struct why *reterr_why)
{
	CLEANUP(tls_client_freep) struct tls_client *tls = NULL;
	CLEANUP(http_client_freep) struct http_client *http = NULL;
	const struct http_client_request request = {.method = "GET", .target = slice_str("/-/healthz")};
	struct http_client_config config = {.host = p->host, .port = p->port};
	const struct http1_response *response;
	int err;

	TRY(tls_client_new(slice_str(p->ca_pem), &tls, reterr_why));
	config.tls = tls;
	TRY(http_client_new(&config, &http, reterr_why));
	err = http_client_start(http, &request, &response, reterr_why);
	if (err != ERR_OK)
		why_prefix(reterr_why,
		           "%s:%u does not answer, nothing was stored (--offline stores it all the same): ", p->host,
		           p->port);
	return err;
}

static int fill(const struct cli *cli, struct profile *p, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *ca = NULL;
	const char *region = cli_value(cli, "region"), *name = cli_value(cli, "profile");

	ENSURE(cli_has(cli, "endpoint") && cli_has(cli, "ca") && cli_has(cli, "broker-key"), ERR_INVALID, reterr_why,
	       "--endpoint, --ca and --broker-key are all needed; cloister init printed them");
	name = name ? name : getenv("CLOISTER_PROFILE");
	name = name && name[0] ? name : "default";
	TRY(profile_name_check(name, reterr_why));
	TRY(slice_to_str(slice_str(name), p->name, sizeof p->name, reterr_why));
	TRY(profile_read_endpoint(cli_value(cli, "endpoint"), p, reterr_why));
	TRY(profile_read_broker_key(cli_value(cli, "broker-key"), p, reterr_why));
	TRY(slice_to_str(slice_str(region ? region : "us-east-1"), p->region, sizeof p->region, reterr_why));
	TRY(buf_new(CA_BYTES_MAX, &ca, reterr_why));
	TRY(file_read_given(cli_value(cli, "ca"), ca, reterr_why));
	return slice_dup_str(buf_slice(ca), &p->ca_pem, reterr_why);
}

static int run(struct cli *cli, struct why *reterr_why)
{
	CLEANUP(profile_clear) struct profile p = {0};

	TRY(fill(cli, &p, reterr_why));
	if (!cli_has(cli, "offline"))
		TRY(check(&p, reterr_why));
	TRY(profile_store(&p, reterr_why));
	fprintf(stderr, "stored the profile \"%s\" for %s:%u\n", p.name, p.host, p.port);
	return ERR_OK;
}

static const struct cli_option options[] = {
	{"endpoint", 'e', "URL", "https://HOST:PORT of the installation", false},
	{"ca", 0, "FILE", "its CA certificate, in PEM; no other is trusted", false},
	{"broker-key", 0, "KEY", "its broker key, cloister-broker+…", false},
	{"region", 0, "NAME", "the region that requests are signed for (us-east-1)", false},
	{"offline", 0, NULL, "do not try whether it answers", false},
	{0},
};

const struct cli_verb verb_login = {
	.name = "login",
	.summary = "store where an installation is, and whom to trust there",
	.arguments = "",
	.details = "cloister init prints endpoint, CA and broker key. They are stored under ~/.config/cloister, "
		   "readable by\n"
		   "you alone. Credentials are not: they are taken from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and\n"
		   "AWS_SESSION_TOKEN, else from the profile's section in ~/.aws/credentials ($AWS_PROFILE names "
		   "another).",
	.examples = "cloister login --endpoint https://127.0.0.1:8443 --ca ca.pem --broker-key cloister-broker+…",
	.options = options,
	.flags = CLI_CALLS,
	.run = run,
};
