/* recipient.h: whom a file is sealed to, as text that can be copied, and the identity file that opens it.
 *
 *     cloister-recipient+<8 hex>+<base64 of the 32-byte X25519 public key>
 *     cloister-identity+<base64 of the 32-byte X25519 private key>
 *
 * The eight digits begin the SHA-256 of the public key: any 32 bytes are a public key, and a mistyped one would seal
 * for nobody. In an identity file lines that begin with '#' are comments. */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "crypto/hpke.h"

/* Long enough for the text and its NUL. */
#define RECIPIENT_TEXT_BYTES 80

void recipient_print(const uint8_t public_key[static HPKE_PUBLIC_BYTES], char out[static RECIPIENT_TEXT_BYTES]);

/* ERR_INVALID, saying what a recipient looks like or that it was altered on its way. */
MUST_USE int recipient_parse(struct slice text, uint8_t ret_public[static HPKE_PUBLIC_BYTES], struct why *reterr_why);

/* The text of an identity file, as a secret. */
MUST_USE int identity_print(const struct secret *private_key, struct secret **ret_text, struct why *reterr_why);
MUST_USE int identity_parse(const struct secret *text, struct secret **ret_private, struct why *reterr_why);

/* Reads an identity file; ERR_DENIED if others may read it. */
MUST_USE int identity_read(const char *path, struct secret **ret_private, struct why *reterr_why);
