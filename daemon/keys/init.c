#include "daemon/keys/init.h"

#include <stdio.h>

#include "daemon/keys/service.h"
#include "kms/operations.h"

static int set_object(json_t *object, const char *name, json_t *value, struct why *reterr_why)
{
	ENSURE(value && json_object_set_new(object, name, value) == 0, ERR_UNAVAILABLE, reterr_why,
	       "out of memory for the answer");
	return ERR_OK;
}

/* The account's first access key. Whoever runs init holds it in clear: nothing crossed a front. */
static int put_key(struct keys_service *s, const struct iam_account *account, uint64_t now_ms, json_t *into,
                   struct why *reterr_why)
{
	CLEANUP(secret_freep) struct secret *secret = NULL;
	struct iam_access_key key;

	TRY(iam_access_key_create(s->iam, slice_str(account->id), slice_of(NULL, 0), IAM_ORIGIN_SEALED, now_ms, &key,
	                          &secret, reterr_why));
	TRY(json_set_str(into, "access_key", slice_str(key.id), reterr_why));
	return json_set_str(into, "secret_key", slice_of(secret_peek(secret), secret_len(secret)), reterr_why);
}

static int allow(void *gate, const struct kms_question *question, struct why *reterr_why)
{
	(void)gate, (void)question, (void)reterr_why;
	return ERR_OK;
}

/* A key under the usual policy: the account's own identities, as their policies say. */
static int put_kms_key(struct keys_service *s, const struct iam_account *account, uint64_t now_ms, json_t *into,
                       struct why *reterr_why)
{
	CLEANUP(kms_key_clear) struct kms_key key = {0};
	struct kms_call call = {.account = account->id, .now_wall_ms = now_ms, .authorise = allow};
	char arn[KMS_KEY_ARN_BYTES_MAX];

	TRY(kms_create_key(s->keystore, &call, slice_str("first key"), slice_of(NULL, 0), true, &key, reterr_why));
	kms_key_arn(s->keystore, &key, arn);
	return json_set_str(into, "kms_key", slice_str(arn), reterr_why);
}

static int put_account(struct keys_service *s, const char *name, bool is_operator, uint64_t now_ms, json_t *into,
                       struct why *reterr_why)
{
	struct iam_account account;
	char arn[64];

	TRY(iam_account_create(s->iam, slice_str(name), is_operator, now_ms, &account, reterr_why));
	(void)snprintf(arn, sizeof arn, "arn:aws:iam::%s:root", account.id);
	TRY(json_set_str(into, is_operator ? "account" : "id", slice_str(account.id), reterr_why));
	TRY(json_set_str(into, "name", slice_str(name), reterr_why));
	TRY(json_set_str(into, "arn", slice_str(arn), reterr_why));
	TRY(put_key(s, &account, now_ms, into, reterr_why));
	return is_operator ? ERR_OK : put_kms_key(s, &account, now_ms, into, reterr_why);
}

static int put_accounts(struct keys_service *s, const struct keys_init_spec *spec, json_t *answer,
                        struct why *reterr_why)
{
	json_t *operator= json_object(), *list = json_array();

	TRY(set_object(answer, "operator", operator, reterr_why));
	TRY(set_object(answer, "accounts", list, reterr_why));
	TRY(put_account(s, "operator", true, spec->now_ms, operator, reterr_why));
	for (size_t i = 0; i < spec->account_count; i++) {
		json_t *one = json_object();

		ENSURE(one && json_array_append_new(list, one) == 0, ERR_UNAVAILABLE, reterr_why,
		       "out of memory for the answer");
		TRY(put_account(s, spec->accounts[i], false, spec->now_ms, one, reterr_why));
	}
	return ERR_OK;
}

static int fill(struct keys_service *s, const struct keys_init_spec *spec, json_t *answer, struct why *reterr_why)
{
	char broker[KEYS_BROKER_TEXT_BYTES];

	TRY(keys_broker_text(s->root, broker, reterr_why));
	TRY(json_set_str(answer, "ca", slice_str(spec->ca_path), reterr_why));
	TRY(json_set_str(answer, "broker_key", slice_str(broker), reterr_why));
	TRY(json_set_str(answer, "region", slice_str(spec->region), reterr_why));
	TRY(put_accounts(s, spec, answer, reterr_why));
	return keys_init_tls(spec, s->root, reterr_why);
}

int keys_init(const struct keys_init_spec *spec, json_t **ret_answer, struct why *reterr_why)
{
	const struct kms_unseal unseal = kms_unseal_passphrase(spec->passphrase);
	const struct keys_service_options options = {
		.database = spec->database, .dir_fd = spec->keys_fd, .region = spec->region};
	CLEANUP(keys_service_freep) struct keys_service *s = NULL;
	CLEANUP(json_freep) json_t *answer = json_object();
	struct kms_root *root = NULL;
	int err;

	ENSURE(answer, ERR_UNAVAILABLE, reterr_why, "out of memory for the answer");
	err = kms_root_create(spec->keys_fd, &unseal, &root, reterr_why);
	ENSURE(err_class(err) != ERR_CONFLICT, err, reterr_why,
	       "there is an installation in this state directory already; nothing was changed");
	TRY(err);
	TRY(keys_service_open_with(&options, root, &s, reterr_why));
	TRY(fill(s, spec, answer, reterr_why));
	*ret_answer = take_ptr(answer);
	return ERR_OK;
}
