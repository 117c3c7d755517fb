/* A document evaluated as a resource's and as an identity's policy, for a fixed request, plain and as a release. What
 * must hold of every policy: the same question gets the same answer, and evidence that says `sim` is released to by a
 * statement that writes "sim", or not at all. */
#include <stdlib.h>
#include <string.h>

#include "iam/evaluate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int err)
{
	if (err != ERR_OK)
		abort();
}

static struct iam_context *make_context(void)
{
	static const struct slice owners[2] = {{(const uint8_t *)"111111111111", 12},
	                                       {(const uint8_t *)"222222222222", 12}};
	struct iam_context *c = NULL;

	must(iam_context_new(&c, NULL));
	must(iam_context_put(c, "aws:username", slice_str("ann"), NULL));
	must(iam_context_put(c, "aws:SourceIp", slice_str("2001:db8::1"), NULL));
	must(iam_context_put(c, "aws:CurrentTime", slice_str("2026-11-22T19:33:07Z"), NULL));
	must(iam_context_put(c, "aws:SourceArn", slice_str("arn:aws:s3:::bucket/key:with:colons"), NULL));
	must(iam_context_put(c, "cloister:Tee", slice_str("sim"), NULL));
	must(iam_context_put(c, "cloister:EvidenceAgeSeconds", slice_str("12.50"), NULL));
	must(iam_context_put(c, "cloister:Purpose", slice_str("*${aws:username}?\xc3\xbc"), NULL));
	must(iam_context_put_all(c, slice_str("cloister:InputOwners"), owners, 2, NULL));
	return c;
}

static void evaluate(const struct iam_policy *policy, bool is_resource, bool is_release,
                     const struct iam_context *context, struct iam_decision *ret_decision)
{
	const struct iam_named_policy named = {policy, "the policy"};
	const struct iam_request request = {
		.principal = {IAM_SESSION, slice_str("111111111111"),
	                      slice_str("arn:aws:sts::111111111111:assumed-role/job/s1"),
	                      slice_str("arn:aws:iam::111111111111:role/job")},
		.action = slice_str("kms:Decrypt"),
		.resource = slice_str("arn:aws:kms:us-east-1:111111111111:key/ann"),
		.resource_account = slice_str("111111111111"),
		.context = context,
		.is_release = is_release,
	};
	struct iam_policies policies = {
		.resource_kind = IAM_RESOURCE_POLICY_NONE, .identity = &named, .identity_count = 1};

	if (is_resource)
		policies = (struct iam_policies){.resource_kind = IAM_RESOURCE_POLICY_REQUIRED, .resource = &named};
	iam_evaluate(&request, &policies, ret_decision);
}

static bool writes_sim(const uint8_t *data, size_t size)
{
	/* JSON may spell the letters as \u escapes. */
	return memmem(data, size, "sim", 3) || memmem(data, size, "\\u", 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct iam_context *context;

	if (!context)
		context = make_context();
	for (int is_resource = 0; is_resource < 2; is_resource++) {
		struct iam_policy *policy = NULL;
		struct iam_decision plain, release, again;

		if (iam_policy_parse(slice_of(data, size), is_resource ? IAM_POLICY_RESOURCE : IAM_POLICY_IDENTITY,
		                     &policy, NULL) != ERR_OK)
			continue;
		evaluate(policy, is_resource, false, context, &plain);
		evaluate(policy, is_resource, true, context, &release);
		evaluate(policy, is_resource, true, context, &again);
		/* The rules of a release only take away. */
		if (release.is_allowed && (!plain.is_allowed || !writes_sim(data, size)))
			abort();
		if (release.is_allowed != again.is_allowed || strcmp(release.text.text, again.text.text) != 0)
			abort();
		if (plain.is_allowed != (plain.reason == IAM_REASON_ALLOWED) || plain.text.text[0] == 0)
			abort();
		iam_policy_free(policy);
	}
	return 0;
}
