/* init.h: making an installation: root key, keys database, operator account, CA and TLS certificate. */
#pragma once
#include "base/err.h"
#include "base/secret.h"
#include "wire/json.h"

#define KEYS_ACCOUNTS_AT_INIT_MAX 16

struct keys_init_spec {
	int keys_fd;          /* the directory of root.json and keys.db */
	const char *database; /* the path of keys.db in it */
	int store_fd;         /* front's: tls-cert.pem, tls-key.pem */
	int state_fd;         /* above both: ca.pem */
	const char *ca_path;  /* how ca.pem is called in the answer */
	struct secret *passphrase;
	const char *region;
	const char *host; /* a further name for the certificate, or NULL */
	uint64_t now_ms;
	const char *accounts[KEYS_ACCOUNTS_AT_INIT_MAX]; /* names; made with a root access key and a KMS key each */
	size_t account_count;
};

/* Makes all of it, and *ret_answer: {ca, broker_key, region, operator, accounts}, which holds secret access keys: they
 * are shown once. ERR_CONFLICT if there is an installation already. */
MUST_USE int keys_init(const struct keys_init_spec *spec, json_t **ret_answer, struct why *reterr_why);

/* init_tls.c: CA and server certificate. The CA's key is sealed under the root, in keys' directory. */
struct kms_root;
MUST_USE int keys_init_tls(const struct keys_init_spec *spec, const struct kms_root *root, struct why *reterr_why);
