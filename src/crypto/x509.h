/* x509.h: the certificates of an installation's own CA (RFC 5280): making them, and reading chains that others present.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/sign.h"

struct x509_subject {
	const char *common_name;
	const char *const *dns_names;    /* NULL-terminated, may be NULL */
	const char *const *ip_addresses; /* NULL-terminated textual addresses, may be NULL */
	uint64_t not_before_wall_ms;
	uint64_t not_after_wall_ms;
};

/* A self-signed CA certificate (pathlen 0, keyCertSign and cRLSign), appended as PEM. */
MUST_USE int x509_ca_new(const struct sign_key *ca_key, const struct x509_subject *subject, struct buf *into_pem,
                         struct why *reterr_why);

/* A TLS server certificate for `subject_key`, signed by the CA (serverAuth, subjectAltName), appended as PEM. */
MUST_USE int x509_server_issue(const struct sign_key *ca_key, struct slice ca_pem,
                               const struct sign_public *subject_key, const struct x509_subject *subject,
                               struct buf *into_pem, struct why *reterr_why);

/* Verifies leaf and intermediates (PEM, leaf first) up to one of `roots_pem` at a given moment, for any purpose.
 * ERR_TAMPERED with the reason; otherwise the leaf's key. */
MUST_USE int x509_chain_verify(struct slice chain_pem, struct slice roots_pem, uint64_t at_wall_ms,
                               struct sign_public **ret_leaf_key, struct why *reterr_why);

/* notAfter of the first certificate in a PEM text. */
MUST_USE int x509_not_after(struct slice pem, uint64_t *ret_wall_ms, struct why *reterr_why);
