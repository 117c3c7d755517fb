/* x509_ossl.h: certificates as OpenSSL's objects. Internal to crypto/. */
#pragma once
#include "base/slice.h"
#include "crypto/ossl.h"

/* Reads every certificate of a PEM text, at least one. Text between them is ignored, as in most bundles; any other kind
 * of block is not. ERR_INVALID for what is no certificate, ERR_LIMIT past X509_PEM_BYTES_MAX or X509_CERTIFICATES_MAX.
 */
MUST_USE int x509_read_pem(struct slice pem, struct stack_st_X509 **ret_list, struct why *reterr_why);
