#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iam/caller.h"
#include "iam/session.h"
#include "world.h"

static struct iam_identity role_of(struct world *w)
{
	char trust[256];

	snprintf(trust, sizeof trust, TRUST_ACCOUNT, w->bob.id);
	return world_role(w, &w->alice, "job", trust);
}

static struct iam_session_spec spec_of(const struct iam_identity *role)
{
	return (struct iam_session_spec){.role = role,
	                                 .name = slice_str("s1"),
	                                 .issued_ms = NOW_MS,
	                                 .lasts_s = 900,
	                                 .origin = IAM_ORIGIN_SEALED};
}

static void a_session_opens_to_what_it_was_issued_for(void **state)
{
	struct world *w = *state;
	struct iam_identity role = role_of(w);
	struct iam_session_spec spec = spec_of(&role);
	struct iam_credentials c = {0};
	struct iam_session *s = NULL;
	struct secret *secret = NULL;
	CLEANUP(iam_context_freep) struct iam_context *context = NULL;
	CLEANUP(json_freep) json_t *claims = NULL;
	const struct slice *values;
	size_t count;

	assert_int_equal(
		json_read_object(slice_str("{\"cloister:Tee\":[\"snp\"],\"cloister:InputOwners\":[\"a\",\"b\"]}"),
	                         &claims, NULL),
		ERR_OK);
	spec.claims = claims;
	spec.policy = slice_str(ALLOW_ALL);
	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_OK);
	assert_memory_equal(c.access_key, "CLAS", 4);
	assert_int_equal(secret_len(c.secret), IAM_SECRET_CHARS);
	assert_int_equal(c.expires_ms, NOW_MS + 900000);

	world_reopen(w);
	assert_int_equal(iam_session_open(w->iam, c.access_key, slice_str(c.token), NOW_MS, &s, NULL), ERR_OK);
	assert_string_equal(s->account, w->alice.id);
	assert_string_equal(s->role, "job");
	assert_string_equal(s->role_id, role.id);
	assert_string_equal(s->name, "s1");
	assert_string_equal(s->policy, ALLOW_ALL);
	assert_int_equal(s->origin, IAM_ORIGIN_SEALED);
	assert_int_equal(s->issued_ms, NOW_MS);
	assert_int_equal(iam_context_new(&context, NULL), ERR_OK);
	assert_int_equal(iam_session_put_claims(s, context, NULL), ERR_OK);
	values = iam_context_find(context, slice_str("cloister:inputowners"), &count);
	assert_int_equal(count, 2);
	assert_true(slice_is_str(values[1], "b"));
	assert_int_equal(iam_session_secret(w->iam, c.access_key, &secret, NULL), ERR_OK);
	assert_true(secret_equal(secret, c.secret));
	secret_free(secret);
	iam_session_free(s);
	iam_credentials_clear(&c);
}

static void a_token_is_good_until_it_expires(void **state)
{
	struct world *w = *state;
	struct iam_identity role = role_of(w);
	struct iam_session_spec spec = spec_of(&role);
	struct iam_credentials c = {0};
	struct iam_session *s = NULL;

	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_OK);
	assert_int_equal(iam_session_open(w->iam, c.access_key, slice_str(c.token), c.expires_ms - 1, &s, NULL),
	                 ERR_OK);
	iam_session_freep(&s);
	assert_int_equal(iam_session_open(w->iam, c.access_key, slice_str(c.token), c.expires_ms, &s, NULL),
	                 IAM_ERR_TOKEN_EXPIRED);
	assert_null(s);
	iam_credentials_clear(&c);
}

static void every_altered_token_is_refused(void **state)
{
	struct world *w = *state;
	struct iam_identity role = role_of(w);
	struct iam_session_spec spec = spec_of(&role);
	struct iam_credentials c = {0}, other = {0};
	struct iam_session *s = NULL;

	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_OK);
	assert_int_equal(iam_session_issue(w->iam, &spec, &other, NULL), ERR_OK);
	for (size_t i = 0; c.token[i]; i++) {
		char before = c.token[i];

		c.token[i] = before == 'A' ? 'B' : 'A';
		assert_int_equal(iam_session_open(w->iam, c.access_key, slice_str(c.token), NOW_MS, &s, NULL),
		                 IAM_ERR_TOKEN);
		c.token[i] = before;
	}
	for (size_t len = 0; len < strlen(c.token); len++)
		assert_int_equal(iam_session_open(w->iam, c.access_key, slice_of(c.token, len), NOW_MS, &s, NULL),
		                 IAM_ERR_TOKEN);
	/* Another key's token. */
	assert_int_equal(iam_session_open(w->iam, c.access_key, slice_str(other.token), NOW_MS, &s, NULL),
	                 IAM_ERR_TOKEN);
	assert_int_equal(iam_session_open(w->iam, "CLAKAAAAAAAAAAAAAAAA", slice_str(c.token), NOW_MS, &s, NULL),
	                 IAM_ERR_TOKEN);
	iam_credentials_clear(&c);
	iam_credentials_clear(&other);
}

static void what_a_session_may_not_be_is_refused(void **state)
{
	struct world *w = *state;
	struct iam_identity role = role_of(w);
	struct iam_session_spec spec = spec_of(&role);
	struct iam_credentials c = {0};
	char large[IAM_SESSION_POLICY_BYTES_MAX + 2];
	CLEANUP(json_freep) json_t *claims = json_object();
	char digest[401];

	spec.name = slice_str("x");
	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_INVALID);
	spec.name = slice_str("a/b");
	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_INVALID);
	spec.name = slice_str("s1");
	spec.lasts_s = 899;
	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_INVALID);
	spec.lasts_s = IAM_SESSION_S_DEFAULT + 1;
	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_INVALID);
	spec.lasts_s = IAM_SESSION_S_DEFAULT;
	spec.policy = slice_str("{}");
	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), IAM_ERR_POLICY);
	memset(large, ' ', sizeof large);
	memcpy(large, ALLOW_ALL, strlen(ALLOW_ALL));
	spec.policy = slice_of(large, IAM_SESSION_POLICY_BYTES_MAX + 1);
	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_LIMIT);
	spec.policy = slice_of(large, IAM_SESSION_POLICY_BYTES_MAX);
	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_OK);
	iam_credentials_clear(&c);

	/* Too many claims for a token, and claims that are none. */
	spec.claims = claims;
	memset(digest, 'd', sizeof digest - 1);
	digest[400] = 0;
	for (int i = 0; i < 3; i++) {
		char name[48];

		snprintf(name, sizeof name, "cloister:HyperParameter/p%d", i);
		json_object_set_new(claims, name, json_pack("[s]", digest));
	}
	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_LIMIT);
	spec.policy = (struct slice){0};
	json_object_clear(claims);
	json_object_set_new(claims, "cloister:Nothing", json_pack("[s]", "x"));
	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_INVALID);
	json_object_clear(claims);
	json_object_set_new(claims, "cloister:Tee", json_string("x"));
	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_INVALID);
	json_object_clear(claims);
	json_object_set_new(claims, "cloister:Tee", json_pack("[i]", 1));
	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_INVALID);
}

static void a_role_made_anew_is_not_the_sessions(void **state)
{
	struct world *w = *state;
	struct iam_identity role = role_of(w);
	struct iam_session_spec spec = spec_of(&role);
	struct iam_credentials c = {0};
	struct iam_session *s = NULL;
	struct iam_caller *caller = NULL;
	char arn[128];

	assert_int_equal(iam_session_issue(w->iam, &spec, &c, NULL), ERR_OK);
	assert_int_equal(iam_session_open(w->iam, c.access_key, slice_str(c.token), NOW_MS, &s, NULL), ERR_OK);
	assert_int_equal(iam_caller_of_session(w->iam, c.access_key, s, &caller, NULL), ERR_OK);
	snprintf(arn, sizeof arn, "arn:aws:sts::%s:assumed-role/job/s1", w->alice.id);
	assert_string_equal(caller->arn, arn);
	assert_string_equal(caller->role_arn, role.arn);
	iam_caller_freep(&caller);
	assert_int_equal(iam_identity_delete(w->iam, IAM_KIND_ROLE, slice_str(w->alice.id), slice_str("job"), NULL),
	                 ERR_OK);
	role_of(w);
	assert_int_equal(iam_session_open(w->iam, c.access_key, slice_str(c.token), NOW_MS, &s, NULL), ERR_OK);
	assert_int_equal(iam_caller_of_session(w->iam, c.access_key, s, &caller, NULL), ERR_NOTFOUND);
	assert_null(caller);
	iam_credentials_clear(&c);
}

static void asked(struct world *w, const struct iam_caller *c, const char *action, bool is_allowed)
{
	CLEANUP(iam_context_freep) struct iam_context *context = NULL;
	struct iam_circumstances now = {.now_ms = NOW_MS, .source_ip = "192.0.2.1", .is_secure = true};
	struct iam_question q = {.action = slice_str(action),
	                         .resource = slice_str("*"),
	                         .resource_account = slice_str(w->alice.id),
	                         .resource_kind = IAM_RESOURCE_POLICY_NONE};
	struct iam_decision decision;
	struct why why = {{0}};

	assert_int_equal(iam_context_new(&context, NULL), ERR_OK);
	assert_int_equal(iam_caller_put_context(c, &now, context, NULL), ERR_OK);
	q.context = context;
	if (iam_ask(w->iam, c, &q, &decision, &why) != ERR_OK)
		fail_msg("%s", why.text);
	if (decision.is_allowed != is_allowed)
		fail_msg("%s: %s", action, decision.text.text);
	assert_int_equal(iam_ask_or_deny(w->iam, c, &q, &why), is_allowed ? ERR_OK : ERR_DENIED);
}

static void what_a_caller_may_is_what_the_database_says(void **state)
{
	static const char only_kms[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:*\","
		"\"Resource\":\"*\"}}";
	static const char by_context[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"iam:*\",\"Resource\":\"*"
		"\","
		"\"Condition\":{\"StringEquals\":{\"aws:username\":\"ann\",\"cloister:CredentialOrigin\":\"sealed\"},"
		"\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.0/24\"},\"Bool\":{\"aws:SecureTransport\":\"true\"},"
		"\"DateLessThan\":{\"aws:CurrentTime\":\"2026-12-01T00:00:00Z\"},\"Null\":{\"aws:TokenIssueTime\":"
		"\"true\"}}}}";
	struct world *w = *state;
	struct iam_identity ann = world_user(w, &w->alice, "ann");
	struct slice account = slice_str(w->alice.id);
	struct secret *secret = NULL, *root_secret = NULL;
	struct iam_access_key key = world_key(w, &w->alice, "ann", &secret);
	struct iam_access_key root_key = world_key(w, &w->alice, "", &root_secret);
	struct iam_caller *caller = NULL, *root = NULL;

	assert_int_equal(iam_caller_of_key(w->iam, &key, &caller, NULL), ERR_OK);
	assert_int_equal(iam_caller_of_key(w->iam, &root_key, &root, NULL), ERR_OK);
	asked(w, root, "s3:GetObject", true);
	asked(w, caller, "s3:GetObject", false);
	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("all"), slice_str(ALLOW_ALL), NULL), ERR_OK);
	asked(w, caller, "s3:GetObject", true);
	assert_int_equal(iam_managed_put(w->iam, account, slice_str("kms"), slice_str(only_kms), NOW_MS, NULL), ERR_OK);
	assert_int_equal(
		iam_identity_set_boundary(w->iam, IAM_KIND_USER, account, slice_str("ann"), slice_str("kms"), NULL),
		ERR_OK);
	iam_caller_freep(&caller);
	assert_int_equal(iam_caller_of_key(w->iam, &key, &caller, NULL), ERR_OK);
	asked(w, caller, "s3:GetObject", false);
	asked(w, caller, "kms:Decrypt", true);
	assert_int_equal(
		iam_identity_set_boundary(w->iam, IAM_KIND_USER, account, slice_str("ann"), slice_str(""), NULL),
		ERR_OK);
	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("all"), slice_str(by_context), NULL), ERR_OK);
	assert_int_equal(iam_managed_attach(w->iam, &ann, slice_str("kms"), NULL), ERR_OK);
	iam_caller_freep(&caller);
	assert_int_equal(iam_caller_of_key(w->iam, &key, &caller, NULL), ERR_OK);
	asked(w, caller, "iam:GetUser", true);
	asked(w, caller, "kms:Decrypt", true);
	asked(w, caller, "s3:GetObject", false);
	iam_caller_free(caller);
	iam_caller_free(root);
	secret_free(secret);
	secret_free(root_secret);
}

static void an_altered_policy_in_the_database_decides_nothing(void **state)
{
	struct world *w = *state;
	struct iam_identity ann = world_user(w, &w->alice, "ann");
	struct secret *secret = NULL;
	struct iam_access_key key = world_key(w, &w->alice, "ann", &secret);
	struct iam_question q = {
		.action = slice_str("s3:x"), .resource = slice_str("*"), .resource_account = slice_str("1")};
	CLEANUP(iam_context_freep) struct iam_context *context = NULL;
	struct iam_caller *caller = NULL;
	struct iam_decision decision;
	struct db_stmt *s;

	assert_int_equal(iam_inline_put(w->iam, &ann, slice_str("all"), slice_str(ALLOW_ALL), NULL), ERR_OK);
	assert_int_equal(db_sql(w->db, "UPDATE iam_inline SET document = '{'", &s, NULL), ERR_OK);
	assert_int_equal(db_run(s, NULL), ERR_OK);
	assert_int_equal(iam_context_new(&context, NULL), ERR_OK);
	q.context = context;
	assert_int_equal(iam_caller_of_key(w->iam, &key, &caller, NULL), ERR_OK);
	assert_int_equal(iam_ask(w->iam, caller, &q, &decision, NULL), ERR_TAMPERED);
	iam_caller_free(caller);
	secret_free(secret);
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, world_make, world_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_session_opens_to_what_it_was_issued_for),
		IN_WORLD(a_token_is_good_until_it_expires),
		IN_WORLD(every_altered_token_is_refused),
		IN_WORLD(what_a_session_may_not_be_is_refused),
		IN_WORLD(a_role_made_anew_is_not_the_sessions),
		IN_WORLD(what_a_caller_may_is_what_the_database_says),
		IN_WORLD(an_altered_policy_in_the_database_decides_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
