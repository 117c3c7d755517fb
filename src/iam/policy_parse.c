#include "iam/policy_parse.h"

#include <stdlib.h>
#include <string.h>

/* A service's prefix and an action, which may have wildcards: "kms:Decrypt", "s3:Get*"; or "*" alone. */
static int check_action(struct slice text, struct why *reterr_why)
{
	size_t colon = 0;
	bool is_good = slice_is_str(text, "*");

	while (!is_good && colon < text.len && text.ptr[colon] != ':')
		colon++;
	if (!is_good && colon > 0 && colon + 1 < text.len) {
		is_good = true;
		for (size_t i = 0; i < text.len && is_good; i++) {
			uint8_t c = text.ptr[i];
			bool is_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			               c == '-' || c == '_';
			bool is_wildcard = c == '*' || c == '?';

			is_good = is_name || i == colon || (is_wildcard && i > colon);
		}
	}
	ENSURE(is_good, ERR_INVALID, reterr_why,
	       "\"%.*s\" is no action: service:Name is expected, as in kms:Decrypt or s3:Get*",
	       (int)(text.len < 100 ? text.len : 100), (const char *)text.ptr);
	return ERR_OK;
}

/* "*", or an ARN whose partition and service are written out; the parts after them may be anything. */
static int check_resource(struct slice text, struct why *reterr_why)
{
	struct cursor in = cursor_of(text);
	struct slice scheme, partition, service;
	bool is_good = slice_is_str(text, "*");

	if (!is_good && cursor_take_until(&in, ':', &scheme, NULL) == ERR_OK && slice_is_str(scheme, "arn") &&
	    cursor_take_until(&in, ':', &partition, NULL) == ERR_OK &&
	    cursor_take_until(&in, ':', &service, NULL) == ERR_OK)
		is_good = partition.len > 0 && service.len > 0 && !memchr(service.ptr, '*', service.len) &&
		          !memchr(service.ptr, '?', service.len) && !memchr(service.ptr, '$', service.len) &&
		          in.rest.len > 0;
	ENSURE(is_good, ERR_INVALID, reterr_why,
	       "\"%.*s\" is no resource: \"*\" or an ARN that names its service is expected",
	       (int)(text.len < 200 ? text.len : 200), (const char *)text.ptr);
	return ERR_OK;
}

int policy_parser_text(struct policy_parser *p, struct slice text, struct policy_text_rules rules,
                       struct policy_text *ret_text, struct why *reterr_why)
{
	/* There the text would mean itself, which whoever wrote ${aws:username} can not have wanted. */
	ENSURE(p->has_variables || !rules.variables || !text.len || !memmem(text.ptr, text.len, "${", 2), ERR_INVALID,
	       reterr_why, "policy variables need \"Version\": \"2012-10-17\"");
	return policy_text_compile(&p->policy->arena, text, rules, ret_text, reterr_why);
}

typedef int (*check_fn)(struct slice text, struct why *reterr_why);

/* A string or a list of them. */
static int read_texts(struct policy_parser *p, const json_t *json, struct policy_text_rules rules, check_fn check,
                      const struct policy_text **ret_texts, size_t *ret_count, struct why *reterr_why)
{
	size_t count = json_is_array(json) ? json_array_size(json) : 1;
	struct policy_text *texts;
	void *room;

	ENSURE(count > 0, ERR_INVALID, reterr_why, "an empty list");
	ENSURE(count <= POLICY_LIST_MAX, ERR_LIMIT, reterr_why, "%zu entries; at most %d are accepted", count,
	       POLICY_LIST_MAX);
	TRY(arena_take(&p->policy->arena, count, sizeof *texts, &room, reterr_why));
	texts = room;
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_is_array(json) ? json_array_get(json, i) : json;
		struct slice text;

		ENSURE(json_is_string(one), ERR_INVALID, reterr_why, "a string or a list of strings is expected");
		text = slice_of(json_string_value(one), json_string_length(one));
		TRY(check(text, reterr_why));
		TRY(policy_parser_text(p, text, rules, &texts[i], reterr_why));
	}
	*ret_texts = texts;
	*ret_count = count;
	return ERR_OK;
}

/* Of the two spellings of an element, X and NotX, the one that is there; NULL if neither. */
static int one_of(const json_t *object, const char *name, const char *not_name, const json_t **ret_value,
                  bool *ret_is_not, struct why *reterr_why)
{
	const json_t *value = json_object_get(object, name);
	const json_t *not_value = json_object_get(object, not_name);

	ENSURE(!value || !not_value, ERR_INVALID, reterr_why, "both %s and %s", name, not_name);
	*ret_is_not = not_value != NULL;
	*ret_value = value ? value : not_value;
	return ERR_OK;
}

static int read_effect_and_sid(struct policy_parser *p, const json_t *object, struct policy_statement *into,
                               struct why *reterr_why)
{
	const char *effect, *sid = "";

	TRY(json_get_str(object, "Effect", &effect, reterr_why));
	into->is_allow = strcmp(effect, "Allow") == 0;
	ENSURE(into->is_allow || strcmp(effect, "Deny") == 0, ERR_INVALID, reterr_why,
	       "Effect is \"%.40s\": Allow or Deny is expected", effect);
	TRY(json_opt_str(object, "Sid", &sid, reterr_why));
	ENSURE(strlen(sid) <= POLICY_SID_BYTES_MAX, ERR_LIMIT, reterr_why, "Sid has %zu bytes; at most %d are accepted",
	       strlen(sid), POLICY_SID_BYTES_MAX);
	for (const char *c = sid; *c; c++)
		ENSURE((unsigned char)*c >= 0x20 && *c != 0x7f, ERR_INVALID, reterr_why,
		       "Sid holds a control character");
	return arena_copy(&p->policy->arena, slice_str(sid), &into->sid, reterr_why);
}

static int read_principals(struct policy_parser *p, const json_t *object, struct policy_statement *into,
                           struct why *reterr_why)
{
	const json_t *value;

	TRY(one_of(object, "Principal", "NotPrincipal", &value, &into->not_principal, reterr_why));
	if (p->kind == IAM_POLICY_IDENTITY) {
		ENSURE(!value, ERR_INVALID, reterr_why,
		       "Principal: the policy of an identity applies to that identity and names no other");
		return ERR_OK;
	}
	ENSURE(value, ERR_INVALID, reterr_why, "Principal is missing");
	/* It would allow everybody else in the world, the anonymous included; AWS no longer takes it either. */
	ENSURE(!into->not_principal || !into->is_allow, ERR_INVALID, reterr_why,
	       "NotPrincipal is for Deny: an Allow names whom it allows");
	int err = policy_parse_principals(p, value, into, reterr_why);

	if (err != ERR_OK)
		why_prefix(reterr_why, "%s: ", into->not_principal ? "NotPrincipal" : "Principal");
	return err;
}

static int read_actions(struct policy_parser *p, const json_t *object, struct policy_statement *into,
                        struct why *reterr_why)
{
	const json_t *value;
	int err;

	TRY(one_of(object, "Action", "NotAction", &value, &into->not_action, reterr_why));
	ENSURE(value, ERR_INVALID, reterr_why, "Action is missing");
	err = read_texts(p, value, (struct policy_text_rules){.wildcards = true}, check_action, &into->actions,
	                 &into->action_count, reterr_why);
	if (err != ERR_OK)
		why_prefix(reterr_why, "%s: ", into->not_action ? "NotAction" : "Action");
	return err;
}

static int read_resources(struct policy_parser *p, const json_t *object, struct policy_statement *into,
                          struct why *reterr_why)
{
	const json_t *value;
	int err;

	TRY(one_of(object, "Resource", "NotResource", &value, &into->not_resource, reterr_why));
	if (p->kind == IAM_POLICY_TRUST) {
		ENSURE(!value, ERR_INVALID, reterr_why,
		       "Resource: a trust policy is about its own role and names none");
		return ERR_OK;
	}
	ENSURE(value, ERR_INVALID, reterr_why, "Resource is missing");
	err = read_texts(p, value, (struct policy_text_rules){.wildcards = true, .variables = true}, check_resource,
	                 &into->resources, &into->resource_count, reterr_why);
	if (err != ERR_OK)
		why_prefix(reterr_why, "%s: ", into->not_resource ? "NotResource" : "Resource");
	return err;
}

static int read_statement(struct policy_parser *p, const json_t *object, struct policy_statement *into,
                          struct why *reterr_why)
{
	static const char *const known[] = {"Sid",       "Effect",   "Principal",   "NotPrincipal", "Action",
	                                    "NotAction", "Resource", "NotResource", "Condition",    NULL};
	const json_t *condition;

	ENSURE(json_is_object(object), ERR_INVALID, reterr_why, "an object is expected");
	TRY(json_only_members(object, known, reterr_why));
	TRY(read_effect_and_sid(p, object, into, reterr_why));
	TRY(read_principals(p, object, into, reterr_why));
	TRY(read_actions(p, object, into, reterr_why));
	TRY(read_resources(p, object, into, reterr_why));
	condition = json_object_get(object, "Condition");
	return condition ? policy_parse_conditions(p, condition, into, reterr_why) : ERR_OK;
}

static int read_statements(struct policy_parser *p, const json_t *json, struct why *reterr_why)
{
	size_t count = json_is_array(json) ? json_array_size(json) : 1;
	struct policy_statement *statements;
	void *room;

	ENSURE(json, ERR_INVALID, reterr_why, "Statement is missing");
	ENSURE(count > 0, ERR_INVALID, reterr_why, "Statement is an empty list");
	ENSURE(count <= POLICY_STATEMENTS_MAX, ERR_LIMIT, reterr_why, "%zu statements; at most %d are accepted", count,
	       POLICY_STATEMENTS_MAX);
	TRY(arena_take(&p->policy->arena, count, sizeof *statements, &room, reterr_why));
	statements = room;
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_is_array(json) ? json_array_get(json, i) : json;
		int err = read_statement(p, one, &statements[i], reterr_why);

		if (err != ERR_OK) {
			why_prefix(reterr_why, "statement %zu: ", i + 1);
			return err;
		}
	}
	p->policy->statements = statements;
	p->policy->count = count;
	return ERR_OK;
}

static int read_document(struct policy_parser *p, const json_t *object, struct why *reterr_why)
{
	static const char *const known[] = {"Version", "Id", "Statement", NULL};
	const char *version = "2008-10-17", *id = "";

	TRY(json_only_members(object, known, reterr_why));
	TRY(json_opt_str(object, "Version", &version, reterr_why));
	p->has_variables = strcmp(version, "2012-10-17") == 0;
	ENSURE(p->has_variables || strcmp(version, "2008-10-17") == 0, ERR_INVALID, reterr_why,
	       "Version is \"%.40s\": 2012-10-17 is expected", version);
	TRY(json_opt_str(object, "Id", &id, reterr_why));
	return read_statements(p, json_object_get(object, "Statement"), reterr_why);
}

int iam_policy_parse(struct slice json, enum iam_policy_kind kind, struct iam_policy **ret_policy,
                     struct why *reterr_why)
{
	CLEANUP(iam_policy_freep) struct iam_policy *policy = NULL;
	CLEANUP(json_freep) json_t *document = NULL;
	struct policy_parser p = {.kind = kind};

	ENSURE(json.len <= POLICY_BYTES_MAX, ERR_LIMIT, reterr_why, "a policy of %zu bytes; at most %d are accepted",
	       json.len, POLICY_BYTES_MAX);
	TRY(json_read_object(json, &document, reterr_why));
	policy = calloc(1, sizeof *policy);
	ENSURE(policy, ERR_UNAVAILABLE, reterr_why, "out of memory for a policy");
	p.policy = policy;
	TRY(read_document(&p, document, reterr_why));
	*ret_policy = take_ptr(policy);
	return ERR_OK;
}

void iam_policy_free(struct iam_policy *p)
{
	if (p)
		arena_free(&p->arena);
	free(p);
}

void iam_policy_freep(struct iam_policy **p)
{
	iam_policy_free(*p);
	*p = NULL;
}

size_t iam_policy_statements(const struct iam_policy *p)
{
	return p->count;
}
