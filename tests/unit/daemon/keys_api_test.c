#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys_fixture.h"

static char body[1 << 16];

/* The value of a member in a flat JSON text. */
static void member(const char *name, char *out, size_t size)
{
	char quoted[64];
	const char *at;

	snprintf(quoted, sizeof quoted, "\"%s\":\"", name);
	at = strstr(body, quoted);
	assert_non_null(at);
	at += strlen(quoted);
	snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

static void an_account_encrypts_and_decrypts_with_its_key(void **state)
{
	struct keys_fixture *f = *state;
	char input[4096], blob[2048];

	keys_fixture_forget(f);
	snprintf(input, sizeof input,
	         "{\"KeyId\":\"%s\",\"Plaintext\":\"aGVsbG8=\",\"EncryptionContext\":{\"a\":\"b\"}}", f->alice.kms_key);
	assert_int_equal(call_kms(f, &f->alice, "Encrypt", input, body, sizeof body), 200);
	member("CiphertextBlob", blob, sizeof blob);
	snprintf(input, sizeof input, "{\"CiphertextBlob\":\"%s\",\"EncryptionContext\":{\"a\":\"b\"}}", blob);
	assert_int_equal(call_kms(f, &f->alice, "Decrypt", input, body, sizeof body), 200);
	assert_non_null(strstr(body, "\"Plaintext\":\"aGVsbG8=\""));
	snprintf(input, sizeof input, "{\"CiphertextBlob\":\"%s\",\"EncryptionContext\":{\"a\":\"c\"}}", blob);
	assert_int_equal(call_kms(f, &f->alice, "Decrypt", input, body, sizeof body), 400);
	assert_non_null(strstr(body, "InvalidCiphertextException"));

	assert_true(keys_fixture_has(f, "\"eventName\":\"Decrypt\""));
	assert_true(keys_fixture_has(f, "\"requestID\":\"0123456789ABCDEF\""));
	assert_true(keys_fixture_has(f, "\"sourceIPAddress\":\"192.0.2.1\""));
	assert_false(keys_fixture_has(f, "aGVsbG8=")); /* no plaintext */
	assert_false(keys_fixture_has(f, blob));
}

static void a_users_rights_are_its_policies(void **state)
{
	struct keys_fixture *f = *state;
	struct who none = keys_fixture_user(f, &f->alice, "none", NULL);
	struct who reader = keys_fixture_user(
		f, &f->alice, "reader",
		"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:GenerateDataKey\","
		"\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"kms:EncryptionContext:dept\":\"hr\"}}}}");
	char right[512], wrong[512];

	snprintf(right, sizeof right,
	         "{\"KeyId\":\"%s\",\"KeySpec\":\"AES_256\",\"EncryptionContext\":{\"dept\":\"hr\"}}",
	         f->alice.kms_key);
	snprintf(wrong, sizeof wrong,
	         "{\"KeyId\":\"%s\",\"KeySpec\":\"AES_256\",\"EncryptionContext\":{\"dept\":\"it\"}}",
	         f->alice.kms_key);
	keys_fixture_forget(f);
	assert_int_equal(call_kms(f, &none, "GenerateDataKey", right, body, sizeof body), 400);
	assert_non_null(strstr(body, "AccessDeniedException"));
	assert_true(keys_fixture_has(f, "\"errorCode\":\"AccessDeniedException\""));
	assert_int_equal(call_kms(f, &reader, "GenerateDataKey", right, body, sizeof body), 200);
	assert_int_equal(call_kms(f, &reader, "GenerateDataKey", wrong, body, sizeof body), 400);
	assert_int_equal(call_kms(f, &reader, "DescribeKey", right, body, sizeof body), 400);
}

/* The key policy must name the other account, and there its own policies must allow it. */
static void another_account_needs_both_sides(void **state)
{
	struct keys_fixture *f = *state;
	struct who silent = keys_fixture_user(f, &f->bob, "silent", NULL);
	struct who willing = keys_fixture_user(f, &f->bob, "willing", ALLOW_ALL);
	char input[1024], policy[4096], key[128];

	assert_int_equal(call_kms(f, &f->alice, "CreateKey", "{}", body, sizeof body), 200);
	member("KeyId", key, sizeof key);
	snprintf(input, sizeof input, "{\"KeyId\":\"arn:aws:kms:" REGION ":%s:key/%s\",\"KeySpec\":\"AES_256\"}",
	         f->alice.account, key);
	keys_fixture_forget(f);
	assert_int_equal(call_kms(f, &willing, "GenerateDataKey", input, body, sizeof body), 400);
	/* The owner sees who tried. */
	snprintf(policy, sizeof policy, "%s {", f->alice.account);
	assert_true(keys_fixture_has(f, policy));
	assert_true(keys_fixture_has(f, "\"sharedEventID\""));

	snprintf(
		policy, sizeof policy,
		"{\"KeyId\":\"%s\",\"Policy\":\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":"
		"\\\"Allow\\\",\\\"Principal\\\":{\\\"AWS\\\":[\\\"arn:aws:iam::%s:root\\\",\\\"arn:aws:iam::%s:root"
		"\\\"]},\\\"Action\\\":\\\"kms:*\\\",\\\"Resource\\\":\\\"*\\\"}]}\"}",
		key, f->alice.account, f->bob.account);
	assert_int_equal(call_kms(f, &f->alice, "PutKeyPolicy", policy, body, sizeof body), 200);
	assert_int_equal(call_kms(f, &silent, "GenerateDataKey", input, body, sizeof body), 400);
	assert_int_equal(call_kms(f, &willing, "GenerateDataKey", input, body, sizeof body), 200);
}

static void keys_of_others_look_like_keys_that_are_not_there(void **state)
{
	struct keys_fixture *f = *state;
	char theirs[256], nobodys[256], first[sizeof body];

	snprintf(theirs, sizeof theirs, "{\"KeyId\":\"%s\"}", f->alice.kms_key);
	snprintf(nobodys, sizeof nobodys,
	         "{\"KeyId\":\"arn:aws:kms:" REGION ":%s:key/00000000-0000-4000-8000-000000000000\"}",
	         f->alice.account);
	assert_int_equal(call_kms(f, &f->bob, "DescribeKey", theirs, body, sizeof body), 400);
	memcpy(first, body, sizeof first);
	assert_int_equal(call_kms(f, &f->bob, "DescribeKey", nobodys, body, sizeof body), 400);
	assert_string_equal(first, body);
	/* The operator has no way either. */
	assert_int_equal(call_kms(f, &f->operator, "DescribeKey", theirs, body, sizeof body), 400);
}

static void iam_and_sts_answer_in_their_own_shape(void **state)
{
	struct keys_fixture *f = *state;

	assert_int_equal(
		call_iam(f, &f->alice, "sts", "Action=GetCallerIdentity&Version=2011-06-15", body, sizeof body), 200);
	assert_non_null(strstr(body, f->alice.account));
	assert_int_equal(
		call_iam(f, &f->alice, "iam", "Action=CreateUser&UserName=carla&Version=2010-05-08", body, sizeof body),
		200);
	assert_true(keys_fixture_has(f, "\"eventName\":\"CreateUser\""));
	assert_int_equal(call_iam(f, &f->alice, "iam", "Action=ListUsers&Version=2010-05-08", body, sizeof body), 200);
	assert_non_null(strstr(body, "carla"));
	assert_int_equal(call_iam(f, &f->bob, "iam", "Action=ListUsers&Version=2010-05-08", body, sizeof body), 200);
	assert_null(strstr(body, "carla"));
	assert_int_equal(call_iam(f, &f->alice, "iam", "Action=MakeCoffee&Version=2010-05-08", body, sizeof body), 400);
	assert_non_null(strstr(body, "<Code>InvalidAction</Code>"));
	assert_int_equal(call_iam(f, &f->alice, "iam", "Action=%zz", body, sizeof body), 400);
}

static void a_role_is_assumed_and_acts(void **state)
{
	struct keys_fixture *f = *state;
	char form[2048], token[8192], input[256];
	struct who session = {0};
	const char *at;

	snprintf(form, sizeof form,
	         "Action=CreateRole&Version=2010-05-08&RoleName=worker&AssumeRolePolicyDocument=%%7B%%22Version%%22%%3A"
	         "%%222012-10-17%%22%%2C%%22Statement%%22%%3A%%7B%%22Effect%%22%%3A%%22Allow%%22%%2C%%22Action%%22%%3A"
	         "%%22sts%%3AAssumeRole%%22%%2C%%22Principal%%22%%3A%%7B%%22AWS%%22%%3A%%22%s%%22%%7D%%7D%%7D",
	         f->alice.account);
	assert_int_equal(call_iam(f, &f->alice, "iam", form, body, sizeof body), 200);
	assert_int_equal(
		call_iam(f, &f->alice, "iam",
	                 "Action=PutRolePolicy&Version=2010-05-08&RoleName=worker&PolicyName=p&PolicyDocument="
	                 "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22"
	                 "%2C%22Action%22%3A%22kms%3ADescribeKey%22%2C%22Resource%22%3A%22*%22%7D%7D",
	                 body, sizeof body),
		200);
	struct who asker = keys_fixture_user(f, &f->alice, "asker", ALLOW_ALL);

	snprintf(form, sizeof form,
	         "Action=AssumeRole&Version=2011-06-15&RoleSessionName=night&RoleArn=arn%%3Aaws%%3Aiam%%3A%%3A%s%%"
	         "3Arole%%2F"
	         "worker",
	         f->alice.account);
	assert_int_equal(call_iam(f, &asker, "sts", form, body, sizeof body), 200);
	at = strstr(body, "<AccessKeyId>") + 13;
	snprintf(session.access_key, sizeof session.access_key, "%.*s", (int)strcspn(at, "<"), at);
	at = strstr(body, "<SecretAccessKey>") + 17;
	snprintf(session.secret, sizeof session.secret, "%.*s", (int)strcspn(at, "<"), at);
	at = strstr(body, "<SessionToken>") + 14;
	snprintf(token, sizeof token, "%.*s", (int)strcspn(at, "<"), at);
	session.token = token;
	keys_fixture_log(f);
	assert_false(keys_fixture_has(f, session.secret));

	snprintf(input, sizeof input, "{\"KeyId\":\"%s\"}", f->alice.kms_key);
	assert_int_equal(call_kms(f, &session, "DescribeKey", input, body, sizeof body), 200);
	assert_int_equal(call_kms(f, &session, "DisableKey", input, body, sizeof body), 400);
	token[20] = token[20] == 'A' ? 'B' : 'A';
	assert_int_equal(call_kms(f, &session, "DescribeKey", input, body, sizeof body), 400);
	assert_non_null(strstr(body, "UnrecognizedClientException"));
}

static void only_the_operator_makes_accounts(void **state)
{
	struct keys_fixture *f = *state;
	const struct request create = {.service = "cloister",
	                               .method = "POST",
	                               .target = "/-/v1/accounts",
	                               .content_type = "application/json",
	                               .body = "{\"Name\":\"dora\"}"};
	struct request list = create;

	assert_int_equal(call_api(f, &f->alice, create, body, sizeof body), 403);
	assert_int_equal(call_api(f, &f->operator, create, body, sizeof body), 200);
	assert_non_null(strstr(body, "RootAccessKey"));
	assert_true(keys_fixture_has(f, "operator {"));
	list.method = "GET";
	list.body = NULL;
	assert_int_equal(call_api(f, &f->operator, list, body, sizeof body), 200);
	assert_non_null(strstr(body, "dora"));
	list.target = "/-/v1/nothing";
	assert_int_equal(call_api(f, &f->operator, list, body, sizeof body), 404);
}

/* --- a front that is not honest --- */

static struct request describe_request(struct keys_fixture *f)
{
	static char input[256];

	snprintf(input, sizeof input, "{\"KeyId\":\"%s\"}", f->alice.kms_key);
	return (struct request){.service = "kms",
	                        .method = "POST",
	                        .target = "/",
	                        .body = input,
	                        .content_type = "application/x-amz-json-1.1",
	                        .headers = {{"X-Amz-Target", "TrentService.DescribeKey"}}};
}

static int deliver(struct keys_fixture *f, const struct call_head *head, const char *sent)
{
	CLEANUP(keys_answer_clear) struct keys_answer answer = {0};

	assert_int_equal(keys_api_call(f->s, head, slice_str(sent), &answer, NULL), ERR_OK);
	snprintf(body, sizeof body, "%.*s", (int)buf_len(answer.body), (const char *)buf_slice(answer.body).ptr);
	return answer.status;
}

static void nothing_that_was_signed_can_be_altered(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = describe_request(f);
	struct call_head altered;

	request_sign(&r, &f->alice);
	assert_int_equal(deliver(f, &r.head, r.body), 200);

	altered = r.head;
	altered.target = slice_str("/?x=1");
	assert_int_equal(deliver(f, &altered, r.body), 400);
	assert_non_null(strstr(body, "InvalidSignatureException"));
	altered = r.head;
	altered.method = slice_str("PUT");
	assert_int_equal(deliver(f, &altered, r.body), 400);
	altered = r.head;
	altered.fields[0].value = slice_str("elsewhere");
	assert_int_equal(deliver(f, &altered, r.body), 400);
	altered = r.head;
	for (size_t i = 0; i < altered.field_count; i++)
		if (slice_is_str(altered.fields[i].name, "X-Amz-Target"))
			altered.fields[i].value = slice_str("TrentService.DisableKey");
	assert_int_equal(deliver(f, &altered, r.body), 400);
	assert_int_equal(deliver(f, &r.head, "{\"KeyId\":\"alias/other\"}"), 400);
	assert_non_null(strstr(body, "InvalidSignatureException"));
	/* A header that must be signed, added afterwards. */
	altered = r.head;
	altered.fields[altered.field_count++] = (struct call_field){slice_str("X-Amz-Security-Token"), slice_str("x")};
	assert_int_equal(deliver(f, &altered, r.body), 400);
	altered = r.head;
	altered.fields[altered.field_count++] = (struct call_field){slice_str("X-Cloister-Nonce"), slice_str("x")};
	assert_int_equal(deliver(f, &altered, r.body), 400);
	request_clear(&r);
}

static void failed_proofs_are_gathered_for_the_operator(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = describe_request(f);

	keys_fixture_sleep(2000);
	keys_fixture_forget(f);
	request_sign(&r, &f->alice);
	r.head.method = slice_str("PUT");
	for (int i = 0; i < 5; i++)
		assert_int_equal(deliver(f, &r.head, r.body), 400);
	keys_fixture_sleep(2000);
	keys_reads_flush(&f->s->reads, f->s->now_ms(), false);
	assert_true(keys_fixture_has(f, "\"eventName\":\"AuthenticationFailure\""));
	assert_true(keys_fixture_has(f, "\"count\":5"));
	assert_true(keys_fixture_has(f, f->alice.access_key));
	request_clear(&r);
}

static void a_body_must_be_signed_outside_s3(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = describe_request(f);

	r.headers[1][0] = "X-Amz-Content-Sha256";
	r.headers[1][1] = "UNSIGNED-PAYLOAD";
	assert_int_equal(call_api(f, &f->alice, r, body, sizeof body), 400);
	assert_non_null(strstr(body, "InvalidSignatureException"));
}

static void requests_without_a_signature_are_refused(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = describe_request(f);

	request_sign(&r, &f->alice);
	r.head.field_count--; /* Authorization is the last */
	assert_int_equal(deliver(f, &r.head, r.body), 400);
	assert_non_null(strstr(body, "MissingAuthenticationTokenException"));
	request_clear(&r);
}

static void an_old_signature_is_refused(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = describe_request(f);

	request_sign(&r, &f->alice);
	keys_fixture_sleep(16 * 60 * 1000);
	assert_int_equal(deliver(f, &r.head, r.body), 400);
	request_clear(&r);
}

static void a_signature_mints_64_times_and_no_more(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = {.service = "kms",
	                    .method = "POST",
	                    .target = "/",
	                    .body = "{\"NumberOfBytes\":16}",
	                    .content_type = "application/x-amz-json-1.1",
	                    .headers = {{"X-Amz-Target", "TrentService.GenerateRandom"}}};

	keys_fixture_forget(f);
	request_sign(&r, &f->alice);
	for (int i = 0; i < 64; i++)
		assert_int_equal(deliver(f, &r.head, r.body), 200);
	assert_true(keys_fixture_has(f, "\"repeatedSignature\":true"));
	assert_int_equal(deliver(f, &r.head, r.body), 400);
	assert_non_null(strstr(body, "AccessDeniedException"));
	request_clear(&r);
}

static void a_call_that_sets_runs_once_however_often_it_is_sent(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = {.service = "iam",
	                    .method = "POST",
	                    .target = "/",
	                    .body = "Action=DeleteUser&UserName=gone&Version=2010-05-08",
	                    .content_type = "application/x-www-form-urlencoded"};

	assert_int_equal(
		call_iam(f, &f->alice, "iam", "Action=CreateUser&UserName=gone&Version=2010-05-08", body, sizeof body),
		200);
	request_sign(&r, &f->alice);
	assert_int_equal(deliver(f, &r.head, r.body), 200);
	assert_int_equal(call_iam(f, &f->alice, "iam", "Action=CreateUser&UserName=gone&Version=2010-05-08&Path=/x/",
	                          body, sizeof body),
	                 200);
	/* The same again gets the same answer, and deletes nobody. */
	assert_int_equal(deliver(f, &r.head, r.body), 200);
	assert_int_equal(
		call_iam(f, &f->alice, "iam", "Action=GetUser&UserName=gone&Version=2010-05-08", body, sizeof body),
		200);
	request_clear(&r);
}

static void who_asks_for_a_sealed_answer_gets_none_in_clear(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = {
		.service = "kms",
		.method = "POST",
		.target = "/",
		.body = "{\"NumberOfBytes\":18}",
		.content_type = "application/x-amz-json-1.1",
		.headers = {{"X-Amz-Target", "TrentService.GenerateRandom"}, {"X-Cloister-Reply-Key", "k"}}};

	assert_int_equal(call_api(f, &f->alice, r, body, sizeof body), 404);
	assert_null(strstr(body, "Plaintext"));
}

static void a_nonce_makes_a_call_single(void **state)
{
	struct keys_fixture *f = *state;
	struct request r = {.service = "kms",
	                    .method = "POST",
	                    .target = "/",
	                    .body = "{\"NumberOfBytes\":17}",
	                    .content_type = "application/x-amz-json-1.1",
	                    .headers = {{"X-Amz-Target", "TrentService.GenerateRandom"}, {"X-Cloister-Nonce", "n1"}}};

	request_sign(&r, &f->alice);
	assert_int_equal(deliver(f, &r.head, r.body), 200);
	assert_int_equal(deliver(f, &r.head, r.body), 400);
	request_clear(&r);
}

/* --- the log --- */

static void without_the_log_nothing_changes_and_nothing_is_denied(void **state)
{
	struct keys_fixture *f = *state;
	struct who none = keys_fixture_user(f, &f->alice, "nobody", NULL);
	char input[256];

	snprintf(input, sizeof input, "{\"KeyId\":\"%s\"}", f->alice.kms_key);
	keys_fixture_log(f);
	keys_outbox_detach(f->s->outbox);
	assert_int_equal(call_kms(f, &f->alice, "CreateKey", "{\"Description\":\"lost\"}", body, sizeof body), 503);
	assert_int_equal(call_kms(f, &f->alice, "GenerateRandom", "{\"NumberOfBytes\":1}", body, sizeof body), 503);
	assert_int_equal(
		call_iam(f, &f->alice, "iam", "Action=CreateUser&UserName=lost&Version=2010-05-08", body, sizeof body),
		503);
	assert_int_equal(call_kms(f, &none, "DescribeKey", input, body, sizeof body), 503); /* a denial */
	assert_int_equal(call_kms(f, &f->alice, "DescribeKey", input, body, sizeof body), 200);
	{
		struct why why;

		assert_int_equal(keys_fixture_reopen(f, &why), ERR_OK);
	}
	assert_int_equal(
		call_iam(f, &f->alice, "iam", "Action=GetUser&UserName=lost&Version=2010-05-08", body, sizeof body),
		404);
	/* The signature was not used up: an honest client's retry within the second runs. */
	assert_int_equal(
		call_iam(f, &f->alice, "iam", "Action=CreateUser&UserName=lost&Version=2010-05-08", body, sizeof body),
		200);
}

static void every_generation_is_told_to_the_log(void **state)
{
	struct keys_fixture *f = *state;
	char text[64];

	keys_fixture_forget(f);
	assert_int_equal(call_kms(f, &f->alice, "CreateKey", "{\"Description\":\"g\"}", body, sizeof body), 200);
	keys_fixture_log(f);
	snprintf(text, sizeof text, "\"generation\":%llu", (unsigned long long)f->s->journal.state->at.generation);
	assert_true(keys_fixture_has(f, text));
	assert_true(keys_fixture_has(f, "\"eventName\":\"DatabaseGeneration\""));
}

static void rows_of_identities_are_checked_at_start(void **state)
{
	struct keys_fixture *f = *state;
	struct db_stmt *s;
	struct why why = {{0}};

	assert_int_equal(keys_fixture_reopen(f, &why), ERR_OK);
	assert_int_equal(db_begin(f->s->db, &why), ERR_OK);
	assert_int_equal(db_sql(f->s->db, "UPDATE iam_account SET is_operator = 1 WHERE name = 'bob'", &s, &why),
	                 ERR_OK);
	assert_int_equal(db_run(s, &why), ERR_OK);
	assert_int_equal(db_commit(f->s->db, &why), ERR_OK);
	assert_int_equal(keys_fixture_reopen(f, &why), ERR_TAMPERED);
	f->s = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_account_encrypts_and_decrypts_with_its_key),
		cmocka_unit_test(a_users_rights_are_its_policies),
		cmocka_unit_test(another_account_needs_both_sides),
		cmocka_unit_test(keys_of_others_look_like_keys_that_are_not_there),
		cmocka_unit_test(iam_and_sts_answer_in_their_own_shape),
		cmocka_unit_test(a_role_is_assumed_and_acts),
		cmocka_unit_test(only_the_operator_makes_accounts),
		cmocka_unit_test(nothing_that_was_signed_can_be_altered),
		cmocka_unit_test(failed_proofs_are_gathered_for_the_operator),
		cmocka_unit_test(a_body_must_be_signed_outside_s3),
		cmocka_unit_test(requests_without_a_signature_are_refused),
		cmocka_unit_test(an_old_signature_is_refused),
		cmocka_unit_test(a_signature_mints_64_times_and_no_more),
		cmocka_unit_test(a_call_that_sets_runs_once_however_often_it_is_sent),
		cmocka_unit_test(a_nonce_makes_a_call_single),
		cmocka_unit_test(who_asks_for_a_sealed_answer_gets_none_in_clear),
		cmocka_unit_test(without_the_log_nothing_changes_and_nothing_is_denied),
		cmocka_unit_test(every_generation_is_told_to_the_log),
		cmocka_unit_test(rows_of_identities_are_checked_at_start),
	};

	return cmocka_run_group_tests(tests, keys_fixture_make, keys_fixture_remove);
}
