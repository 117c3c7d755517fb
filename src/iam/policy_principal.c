/* The Principal and NotPrincipal elements. */
#include <string.h>

#include "iam/policy_parse.h"

bool policy_is_account(struct slice s)
{
	if (s.len != 12)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	return true;
}

/* The components of arn:partition:service:region:account:resource that name a principal. */
struct principal_arn {
	struct slice service, region, account, resource;
};

static bool split_arn(struct slice arn, struct principal_arn *ret_arn)
{
	struct cursor in = cursor_of(arn);
	struct slice scheme, partition;
	struct principal_arn a;

	if (cursor_take_until(&in, ':', &scheme, NULL) != ERR_OK || !slice_is_str(scheme, "arn") ||
	    cursor_take_until(&in, ':', &partition, NULL) != ERR_OK || partition.len == 0 ||
	    cursor_take_until(&in, ':', &a.service, NULL) != ERR_OK ||
	    cursor_take_until(&in, ':', &a.region, NULL) != ERR_OK ||
	    cursor_take_until(&in, ':', &a.account, NULL) != ERR_OK)
		return false;
	a.resource = in.rest;
	*ret_arn = a;
	return true;
}

static bool has_resource(struct slice resource, const char *type)
{
	return slice_starts_with(resource, type) && resource.len > strlen(type);
}

/* A role's session has the form assumed-role/role/session, exactly. */
static bool is_session_resource(struct slice resource)
{
	size_t slashes = 0;

	if (!has_resource(resource, "assumed-role/") || resource.ptr[resource.len - 1] == '/')
		return false;
	for (size_t i = 0; i < resource.len; i++)
		slashes += resource.ptr[i] == '/';
	return slashes == 2;
}

/* "*", an account, or the ARN of an account's root, a user, a role, a role's session. */
static int read_aws(struct slice text, struct policy_principal *ret_principal, struct why *reterr_why)
{
	struct principal_arn arn;

	if (slice_is_str(text, "*")) {
		*ret_principal = (struct policy_principal){PRINCIPAL_ANY, text};
		return ERR_OK;
	}
	ENSURE(text.len == 0 || (!memchr(text.ptr, '*', text.len) && !memchr(text.ptr, '?', text.len)), ERR_INVALID,
	       reterr_why, "\"%.*s\": a principal is \"*\" or has no wildcard", (int)(text.len < 200 ? text.len : 200),
	       (const char *)text.ptr);
	if (policy_is_account(text)) {
		*ret_principal = (struct policy_principal){PRINCIPAL_ACCOUNT, text};
		return ERR_OK;
	}
	if (split_arn(text, &arn) && arn.region.len == 0 && policy_is_account(arn.account)) {
		bool is_iam = slice_is_str(arn.service, "iam");

		if (is_iam && slice_is_str(arn.resource, "root")) {
			*ret_principal = (struct policy_principal){PRINCIPAL_ACCOUNT, arn.account};
			return ERR_OK;
		}
		if ((is_iam && (has_resource(arn.resource, "user/") || has_resource(arn.resource, "role/"))) ||
		    (slice_is_str(arn.service, "sts") && is_session_resource(arn.resource))) {
			*ret_principal = (struct policy_principal){PRINCIPAL_ARN, text};
			return ERR_OK;
		}
	}
	why_set(reterr_why,
	        "\"%.*s\" is no principal: \"*\", an account's twelve digits, or the ARN of a root, user, role or "
	        "assumed-role session is expected",
	        (int)(text.len < 200 ? text.len : 200), (const char *)text.ptr);
	return ERR_INVALID;
}

static int read_named(enum principal_kind kind, struct slice text, struct policy_principal *ret_principal,
                      struct why *reterr_why)
{
	ENSURE(text.len > 0 && !memchr(text.ptr, '*', text.len), ERR_INVALID, reterr_why,
	       "a service or identity provider has a name, without wildcards");
	*ret_principal = (struct policy_principal){kind, text};
	return ERR_OK;
}

static int read_one(struct policy_parser *p, enum principal_kind kind, const json_t *json,
                    struct policy_principal *ret_principal, struct why *reterr_why)
{
	struct slice text;

	ENSURE(json_is_string(json), ERR_INVALID, reterr_why, "a principal is a string");
	TRY(arena_copy(&p->policy->arena, slice_of(json_string_value(json), json_string_length(json)), &text,
	               reterr_why));
	if (kind == PRINCIPAL_ARN)
		return read_aws(text, ret_principal, reterr_why);
	return read_named(kind, text, ret_principal, reterr_why);
}

static const struct {
	const char *name;
	enum principal_kind kind;
} types[] = {{"AWS", PRINCIPAL_ARN}, {"Service", PRINCIPAL_SERVICE}, {"Federated", PRINCIPAL_FEDERATED}};

static int read_type(struct policy_parser *p, enum principal_kind kind, const json_t *json,
                     struct policy_principal *into, size_t *inout_count, struct why *reterr_why)
{
	size_t count = json_is_array(json) ? json_array_size(json) : 1;

	ENSURE(count > 0, ERR_INVALID, reterr_why, "a list without principals");
	ENSURE(count <= POLICY_LIST_MAX - *inout_count, ERR_LIMIT, reterr_why, "more than %d principals",
	       POLICY_LIST_MAX);
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_is_array(json) ? json_array_get(json, i) : json;

		TRY(read_one(p, kind, one, &into[*inout_count], reterr_why));
		(*inout_count)++;
	}
	return ERR_OK;
}

/* How many there can be at most: the entries of every list. */
static size_t count_entries(const json_t *principal)
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		const json_t *list = json_object_get(principal, types[i].name);

		count += json_is_array(list) ? json_array_size(list) : 1;
	}
	return count;
}

int policy_parse_principals(struct policy_parser *p, const json_t *principal, struct policy_statement *into,
                            struct why *reterr_why)
{
	static const char *const known[] = {"AWS", "Service", "Federated", NULL};
	struct policy_principal *principals;
	size_t count = 0;
	void *room;

	if (json_is_string(principal)) {
		ENSURE(strcmp(json_string_value(principal), "*") == 0, ERR_INVALID, reterr_why,
		       "\"*\" or an object with AWS, Service or Federated is expected");
		TRY(arena_take(&p->policy->arena, 1, sizeof *principals, &room, reterr_why));
		principals = room;
		principals[0].kind = PRINCIPAL_ANY;
		into->principals = principals;
		into->principal_count = 1;
		return ERR_OK;
	}
	ENSURE(json_is_object(principal) && json_object_size(principal) > 0, ERR_INVALID, reterr_why,
	       "\"*\" or an object with AWS, Service or Federated is expected");
	TRY(json_only_members(principal, known, reterr_why));
	TRY(arena_take(&p->policy->arena, count_entries(principal), sizeof *principals, &room, reterr_why));
	principals = room;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		const json_t *list = json_object_get(principal, types[i].name);

		if (list)
			TRY(read_type(p, types[i].kind, list, principals, &count, reterr_why));
	}
	into->principals = principals;
	into->principal_count = count;
	return ERR_OK;
}
