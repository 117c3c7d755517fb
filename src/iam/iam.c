#include "iam/iam.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "crypto/kdf.h"
#include "iam/iam_internal.h"
#include "iam/policy.h"

enum { KEY_BYTES = 32 };

static int derive_keys(struct iam *iam, const struct secret *root_key, struct why *reterr_why)
{
	TRY(hkdf_expand(HASH_SHA256, root_key, slice_str("cloister.iam/v1 access key secrets"), KEY_BYTES,
	                &iam->seal_key, reterr_why));
	TRY(hkdf_expand(HASH_SHA256, root_key, slice_str("cloister.iam/v1 session tokens"), KEY_BYTES,
	                &iam->session_key, reterr_why));
	return hkdf_expand(HASH_SHA256, root_key, slice_str("cloister.iam/v1 session secrets"), KEY_BYTES,
	                   &iam->derive_key, reterr_why);
}

int iam_open(struct db *db, const struct secret *root_key, const char *region, const struct iam_journal *journal,
             struct iam **ret_iam, struct why *reterr_why)
{
	CLEANUP(iam_closep) struct iam *iam = NULL;

	ENSURE(secret_len(root_key) == KEY_BYTES, ERR_INVALID, reterr_why, "a root key of %zu bytes; %d are expected",
	       secret_len(root_key), KEY_BYTES);
	iam = calloc(1, sizeof *iam);
	ENSURE(iam, ERR_UNAVAILABLE, reterr_why, "out of memory for identities");
	iam->db = db;
	iam->journal = journal;
	TRY(slice_to_str(slice_str(region), iam->region, sizeof iam->region, reterr_why));
	TRY(signing_keys_new(&iam->signing_keys, reterr_why));
	TRY(derive_keys(iam, root_key, reterr_why));
	*ret_iam = take_ptr(iam);
	return ERR_OK;
}

void iam_close(struct iam *iam)
{
	if (!iam)
		return;
	secret_free(iam->seal_key);
	secret_free(iam->session_key);
	secret_free(iam->derive_key);
	signing_keys_free(iam->signing_keys);
	free(iam);
}

void iam_closep(struct iam **iam)
{
	iam_close(*iam);
	*iam = NULL;
}

int iam_id_new(const char *letters, char ret_id[static IAM_ID_BYTES], struct why *reterr_why)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	size_t at = strlen(letters);
	uint8_t random[IAM_ID_BYTES];

	TRY(random_fill(random, sizeof random, reterr_why));
	memcpy(ret_id, letters, at);
	for (; at < IAM_ID_BYTES - 1; at++)
		ret_id[at] = alphabet[random[at] % 32];
	ret_id[at] = 0;
	return ERR_OK;
}

int iam_name_check(struct slice name, size_t max, struct why *reterr_why)
{
	ENSURE(name.len > 0, ERR_INVALID, reterr_why, "a name is missing");
	ENSURE(name.len <= max, ERR_INVALID, reterr_why, "a name of %zu characters; at most %zu are accepted", name.len,
	       max);
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i];
		bool is_alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		ENSURE(is_alphanumeric || (c && memchr("+=,.@_-", c, 7)), ERR_INVALID, reterr_why,
		       "a name has letters, digits and +=,.@_- only");
	}
	return ERR_OK;
}

struct iam_folded iam_fold(struct slice name)
{
	/* Too long to be anything's name: the empty one, which nothing has. */
	struct iam_folded f = {.len = name.len < sizeof f.text ? name.len : 0};

	for (size_t i = 0; i < f.len; i++) {
		uint8_t c = name.ptr[i];

		f.text[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	return f;
}

int iam_document_check(struct slice document, bool is_trust, size_t max, struct why *reterr_why)
{
	CLEANUP(iam_policy_freep) struct iam_policy *policy = NULL;
	int err;

	ENSURE(document.len <= max, ERR_LIMIT, reterr_why, "a policy of %zu bytes; at most %zu are accepted here",
	       document.len, max);
	err = iam_policy_parse(document, is_trust ? IAM_POLICY_TRUST : IAM_POLICY_IDENTITY, &policy, reterr_why);
	return err_class(err) == ERR_INVALID || err_class(err) == ERR_LIMIT ? (int)IAM_ERR_POLICY : err;
}
