/* The broker's public keys, as people pin them (protocols: calling keys through a front). */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "crypto/hpke.h"
#include "crypto/sign.h"
#include "daemon/keys/service.h"

/* What stands before the 32 bytes of a seed in a PKCS #8 Ed25519 key (RFC 8410). */
static const uint8_t pkcs8_ed25519[16] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                          0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

static int signing_public(const struct kms_root *root, uint8_t out[static 32], struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *seed = NULL;
	CLEANUP(secret_freep) struct secret *der = NULL;
	CLEANUP(sign_key_freep) struct sign_key *key = NULL;
	CLEANUP(sign_public_freep) struct sign_public *public = NULL;

	TRY(kms_root_derive(root, KMS_ROOT_BROKER_SIGN, slice_of(NULL, 0), &seed, reterr_why));
	TRY(secret_new(sizeof pkcs8_ed25519 + 32, &der, reterr_why));
	memcpy(secret_bytes(der), pkcs8_ed25519, sizeof pkcs8_ed25519);
	memcpy(secret_bytes(der) + sizeof pkcs8_ed25519, secret_peek(seed), 32);
	TRY(sign_key_import(der, &key, reterr_why));
	TRY(sign_key_public(key, &public, reterr_why));
	return sign_public_raw_ed25519(public, out, reterr_why);
}

int keys_broker_text(const struct kms_root *root, char out[static KEYS_BROKER_TEXT_BYTES], struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *private_key = NULL;
	char text[BASE64_LEN(64) + 1];
	uint8_t both[64];

	TRY(kms_root_derive(root, KMS_ROOT_BROKER_HPKE, slice_of(NULL, 0), &private_key, reterr_why));
	TRY(hpke_key_public(private_key, both, reterr_why));
	TRY(signing_public(root, both + 32, reterr_why));
	base64_encode(slice_of(both, sizeof both), text);
	(void)snprintf(out, KEYS_BROKER_TEXT_BYTES, "cloister-broker+%s", text);
	return ERR_OK;
}
