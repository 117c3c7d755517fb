#include "iam/evaluate.h"

#include <stdio.h>
#include <string.h>

#include "iam/condition.h"

/* How a statement of a resource's policy comes to apply to a caller, from the weakest to the strongest. */
enum relation {
	RELATION_NONE,
	RELATION_ACCOUNT, /* by the caller's account: it is left to that account's identity policies */
	RELATION_ANY,     /* "*" */
	RELATION_ROLE,    /* by the role of the caller's session */
	RELATION_EXACT,   /* by the caller's own name */
	RELATION_COUNT,
};

/* One statement. */
struct place {
	const struct iam_named_policy *policy;
	size_t statement; /* from 1; 0: none */
};

/* Why an Allow that is about this action and resource did not allow, for the sentence: the first that was found. */
struct near_miss {
	struct place place;
	const struct policy_condition *condition; /* that did not hold, or */
	const char *unnamed;                      /* the claim that it would have to name */
	struct slice unnamed_value;
};

/* Whose policies. */
enum side {
	SIDE_RESOURCE,
	SIDE_IDENTITY,
	SIDE_BOUNDARY,
	SIDE_SESSION,
	SIDE_COUNT,
};

struct evaluation {
	const struct iam_request *request;
	const struct iam_policies *policies;
	struct place deny;
	struct place identity_allow;
	struct place resource_allow[RELATION_COUNT];
	struct near_miss near_miss[SIDE_COUNT];
};

static enum relation relation_to(const struct policy_principal *p, const struct iam_principal *caller)
{
	bool has_account = caller->account.len > 0;

	switch (p->kind) {
	case PRINCIPAL_ANY:
		return RELATION_ANY;
	case PRINCIPAL_ACCOUNT:
		if (!has_account || !slice_equal(p->text, caller->account))
			return RELATION_NONE;
		return caller->kind == IAM_ROOT ? RELATION_EXACT : RELATION_ACCOUNT;
	case PRINCIPAL_ARN:
		if (!has_account)
			return RELATION_NONE;
		if (slice_equal(p->text, caller->arn))
			return RELATION_EXACT;
		return caller->kind == IAM_SESSION && slice_equal(p->text, caller->role_arn) ? RELATION_ROLE
		                                                                             : RELATION_NONE;
	case PRINCIPAL_SERVICE:
		return caller->kind == IAM_SERVICE && slice_equal(p->text, caller->arn) ? RELATION_EXACT
		                                                                        : RELATION_NONE;
	default:
		/* Identity providers prove themselves when a role is assumed, by their own condition keys. */
		return RELATION_NONE;
	}
}

/* NotPrincipal is only in a Deny: it spares those whom it names, but an account named there spares its root user
 * alone, as documented. */
static enum relation relation_of(const struct policy_statement *s, const struct iam_principal *caller)
{
	enum relation strongest = RELATION_NONE;

	for (size_t i = 0; i < s->principal_count; i++) {
		enum relation found = relation_to(&s->principals[i], caller);

		strongest = found > strongest ? found : strongest;
	}
	if (!s->not_principal)
		return strongest;
	return strongest > RELATION_ACCOUNT ? RELATION_NONE : RELATION_ANY;
}

static bool action_matches(const struct policy_statement *s, const struct policy_scope *scope, struct slice action)
{
	bool is_listed = false;

	for (size_t i = 0; i < s->action_count && !is_listed; i++)
		is_listed = policy_text_matches(&s->actions[i], scope, action, true) == TRUTH_YES;
	return is_listed != s->not_action;
}

/* As with conditions: an unknown variable never makes an Allow apply, nor keeps a release's Deny from applying. */
static bool resource_matches(const struct policy_statement *s, const struct policy_scope *scope, struct slice resource)
{
	enum truth strongest = TRUTH_NO;

	if (s->resource_count == 0)
		return true;
	for (size_t i = 0; i < s->resource_count && strongest != TRUTH_YES; i++) {
		enum truth found = policy_text_matches(&s->resources[i], scope, resource, false);

		strongest = found > strongest ? found : strongest;
	}
	switch (strongest) {
	case TRUTH_YES:
		return !s->not_resource;
	case TRUTH_NO:
		return s->not_resource;
	case TRUTH_UNKNOWN_CLAIM:
		return !scope->is_allow && (s->not_resource || scope->is_release);
	default:
		return !scope->is_allow && s->not_resource;
	}
}

static struct policy_scope scope_of(const struct evaluation *e, const struct policy_statement *s)
{
	return (struct policy_scope){e->request->context, s->is_allow, e->request->is_release};
}

static void note_near_miss(struct evaluation *e, enum side side, struct near_miss miss)
{
	if (e->near_miss[side].place.statement == 0)
		e->near_miss[side] = miss;
}

/* Whether a statement applies but for its principals. */
static bool applies(struct evaluation *e, enum side side, const struct policy_statement *s, struct place place)
{
	struct policy_scope scope = scope_of(e, s);
	const struct policy_condition *failed;

	if (!action_matches(s, &scope, e->request->action) || !resource_matches(s, &scope, e->request->resource))
		return false;
	if (policy_conditions_hold(s, &scope, &failed))
		return true;
	if (s->is_allow)
		note_near_miss(e, side, (struct near_miss){.place = place, .condition = failed});
	return false;
}

/* In a release, whether an Allow of the policy that guards the key names what it has to. */
static bool names_dangers(struct evaluation *e, enum side side, const struct policy_statement *s, struct place place)
{
	struct policy_scope scope = scope_of(e, s);
	struct near_miss miss = {.place = place};

	if (!e->request->is_release)
		return true;
	miss.unnamed = policy_unnamed_claim(s, &scope, &miss.unnamed_value);
	if (miss.unnamed)
		note_near_miss(e, side, miss);
	return !miss.unnamed;
}

static void note_deny(struct evaluation *e, struct place place)
{
	if (e->deny.statement == 0)
		e->deny = place;
}

/* Finds the first Allow of a policy of identities, and any Deny. */
static void scan(struct evaluation *e, enum side side, const struct iam_named_policy *policy, bool must_name,
                 struct place *ret_allow)
{
	for (size_t i = 0; i < policy->policy->count; i++) {
		const struct policy_statement *s = &policy->policy->statements[i];
		struct place place = {policy, i + 1};

		if (!applies(e, side, s, place))
			continue;
		if (!s->is_allow)
			note_deny(e, place);
		else if (ret_allow->statement == 0 && (!must_name || names_dangers(e, side, s, place)))
			*ret_allow = place;
	}
}

static void scan_resource(struct evaluation *e)
{
	const struct iam_named_policy *policy = e->policies->resource;

	for (size_t i = 0; policy && i < policy->policy->count; i++) {
		const struct policy_statement *s = &policy->policy->statements[i];
		struct place place = {policy, i + 1};
		enum relation relation = relation_of(s, &e->request->principal);

		if (relation == RELATION_NONE || !applies(e, SIDE_RESOURCE, s, place))
			continue;
		if (!s->is_allow)
			note_deny(e, place);
		else if (e->resource_allow[relation].statement == 0 && names_dangers(e, SIDE_RESOURCE, s, place))
			e->resource_allow[relation] = place;
	}
}

static const char *shown(struct slice s, char out[static 200])
{
	snprintf(out, 200, "%.*s%s", (int)(s.len < 190 ? s.len : 190), (const char *)s.ptr, s.len < 190 ? "" : "…");
	return out;
}

/* "statement 2 (NoSim) of the key policy" */
static void put_place(struct why *text, struct place place)
{
	const struct policy_statement *s = &place.policy->policy->statements[place.statement - 1];
	size_t used = strlen(text->text);

	snprintf(text->text + used, sizeof text->text - used,
	         s->sid.len ? "statement %zu (%.*s) of %s" : "statement %zu%.*s of %s", place.statement,
	         (int)(s->sid.len < 40 ? s->sid.len : 40), (const char *)s->sid.ptr, place.policy->name);
}

static void decide(const struct evaluation *e, struct iam_decision *d, enum iam_reason reason, struct place place)
{
	char action[200], resource[200];

	*d = (struct iam_decision){.is_allowed = reason == IAM_REASON_ALLOWED,
	                           .reason = reason,
	                           .policy = place.policy,
	                           .statement = place.statement};
	if (place.statement) {
		put_place(&d->text, place);
		size_t used = strlen(d->text.text);

		snprintf(d->text.text + used, sizeof d->text.text - used, " %s %s on %s",
		         d->is_allowed ? "allows" : "denies", shown(e->request->action, action),
		         shown(e->request->resource, resource));
	} else if (d->is_allowed) {
		why_set(&d->text, "the root user of an account may do everything in it: %s on %s",
		        shown(e->request->action, action), shown(e->request->resource, resource));
	}
}

/* What came closest, at the end of the sentence. */
static void put_near_miss(const struct near_miss *miss, struct why *text)
{
	char value[200];
	size_t used = strlen(text->text);

	if (miss->place.statement == 0)
		return;
	snprintf(text->text + used, sizeof text->text - used, "; ");
	put_place(text, miss->place);
	used = strlen(text->text);
	if (miss->unnamed)
		snprintf(text->text + used, sizeof text->text - used,
		         " would, but %s is %s and the statement does not name that", miss->unnamed,
		         shown(miss->unnamed_value, value));
	else
		snprintf(text->text + used, sizeof text->text - used,
		         " would, but its condition %.*s on %.*s does not hold",
		         (int)miss->condition->operator_name.len, (const char *)miss->condition->operator_name.ptr,
		         (int)(miss->condition->key_name.len < 100 ? miss->condition->key_name.len : 100),
		         (const char *)miss->condition->key_name.ptr);
}

static void refuse(const struct evaluation *e, struct iam_decision *d, enum iam_reason reason)
{
	static const struct {
		const char *where;
		enum side side;
	} lacking[] = {
		[IAM_REASON_NO_IDENTITY_ALLOW] = {"in the policies of the caller", SIDE_IDENTITY},
		[IAM_REASON_NO_RESOURCE_ALLOW] = {"in the resource's own policy", SIDE_RESOURCE},
		[IAM_REASON_BOUNDARY] = {"in the permissions boundary", SIDE_BOUNDARY},
		[IAM_REASON_SESSION_POLICY] = {"in the session's policy", SIDE_SESSION},
	};
	char action[200], resource[200];

	decide(e, d, reason, (struct place){0});
	if (reason == IAM_REASON_NO_TEE) {
		why_set(&d->text, "a release needs evidence that names one cloister:Tee");
		return;
	}
	why_set(&d->text, "no statement %s allows %s on %s", lacking[reason].where, shown(e->request->action, action),
	        shown(e->request->resource, resource));
	put_near_miss(&e->near_miss[lacking[reason].side], &d->text);
}

/* The identity's side: its policies within boundary and session policy. Refuses, or tells who allowed. */
static bool identity_side(const struct evaluation *e, bool in_boundary, bool in_session, struct iam_decision *d)
{
	bool is_root = e->request->principal.kind == IAM_ROOT;

	if (!is_root && e->identity_allow.statement == 0)
		refuse(e, d, IAM_REASON_NO_IDENTITY_ALLOW);
	else if (!in_boundary)
		refuse(e, d, IAM_REASON_BOUNDARY);
	else if (!in_session)
		refuse(e, d, IAM_REASON_SESSION_POLICY);
	else
		decide(e, d, IAM_REASON_ALLOWED, e->identity_allow);
	return d->is_allowed;
}

/* Within one account the resource's policy may allow by itself, if it names more than the account. */
static bool resource_alone(const struct evaluation *e, bool in_boundary, bool in_session, struct iam_decision *d)
{
	for (int relation = RELATION_EXACT; relation > RELATION_ACCOUNT; relation--) {
		struct place place = e->resource_allow[relation];

		/* Whom it names exactly, it allows whatever the boundary and the session's policy leave out. */
		if (place.statement && (relation == RELATION_EXACT || (in_boundary && in_session))) {
			decide(e, d, IAM_REASON_ALLOWED, place);
			return true;
		}
	}
	return false;
}

static struct place any_resource_allow(const struct evaluation *e)
{
	for (int relation = RELATION_EXACT; relation > RELATION_NONE; relation--)
		if (e->resource_allow[relation].statement)
			return e->resource_allow[relation];
	return (struct place){0};
}

static void decide_same_account(const struct evaluation *e, bool in_boundary, bool in_session, struct iam_decision *d)
{
	if (resource_alone(e, in_boundary, in_session, d))
		return;
	if (e->policies->resource_kind == IAM_RESOURCE_POLICY_REQUIRED && any_resource_allow(e).statement == 0) {
		refuse(e, d, IAM_REASON_NO_RESOURCE_ALLOW);
		return;
	}
	(void)identity_side(e, in_boundary, in_session, d);
}

/* Nothing crosses accounts unless both sides allow it. */
static void decide_cross_account(const struct evaluation *e, bool in_boundary, bool in_session, struct iam_decision *d)
{
	struct place resource = any_resource_allow(e);

	if (resource.statement == 0)
		refuse(e, d, IAM_REASON_NO_RESOURCE_ALLOW);
	else if (identity_side(e, in_boundary, in_session, d))
		decide(e, d, IAM_REASON_ALLOWED, resource);
}

/* The anonymous have no other side, and services none that is written down: only what names them counts. */
static void decide_accountless(const struct evaluation *e, struct iam_decision *d)
{
	bool is_service = e->request->principal.kind == IAM_SERVICE;
	struct place place = e->resource_allow[is_service ? RELATION_EXACT : RELATION_ANY];

	if (place.statement)
		decide(e, d, IAM_REASON_ALLOWED, place);
	else
		refuse(e, d, IAM_REASON_NO_RESOURCE_ALLOW);
}

static bool has_one_tee(const struct iam_request *request)
{
	size_t count;

	(void)iam_context_find(request->context, slice_str("cloister:tee"), &count);
	return count == 1;
}

void iam_evaluate(const struct iam_request *request, const struct iam_policies *policies,
                  struct iam_decision *ret_decision)
{
	struct evaluation e = {.request = request, .policies = policies};
	struct place boundary = {0}, session = {0};
	const struct iam_principal *caller = &request->principal;
	/* The policy that guards the key must name what is dangerous; where it need not be asked, the identity's too.
	 */
	bool identity_must_name = policies->resource_kind != IAM_RESOURCE_POLICY_REQUIRED;

	scan_resource(&e);
	for (size_t i = 0; i < policies->identity_count; i++)
		scan(&e, SIDE_IDENTITY, &policies->identity[i], identity_must_name, &e.identity_allow);
	if (policies->boundary)
		scan(&e, SIDE_BOUNDARY, policies->boundary, false, &boundary);
	if (policies->session)
		scan(&e, SIDE_SESSION, policies->session, false, &session);
	bool in_boundary = !policies->boundary || boundary.statement;
	bool in_session = !policies->session || session.statement;

	if (e.deny.statement)
		decide(&e, ret_decision, IAM_REASON_EXPLICIT_DENY, e.deny);
	else if (request->is_release && !has_one_tee(request))
		refuse(&e, ret_decision, IAM_REASON_NO_TEE);
	else if (caller->account.len == 0)
		decide_accountless(&e, ret_decision);
	else if (slice_equal(caller->account, request->resource_account))
		decide_same_account(&e, in_boundary, in_session, ret_decision);
	else
		decide_cross_account(&e, in_boundary, in_session, ret_decision);
}

const char *iam_reason_name(enum iam_reason reason)
{
	static const char *const names[] = {
		[IAM_REASON_ALLOWED] = "allowed",
		[IAM_REASON_EXPLICIT_DENY] = "explicit-deny",
		[IAM_REASON_NO_IDENTITY_ALLOW] = "no-identity-allow",
		[IAM_REASON_NO_RESOURCE_ALLOW] = "no-resource-allow",
		[IAM_REASON_BOUNDARY] = "boundary",
		[IAM_REASON_SESSION_POLICY] = "session-policy",
		[IAM_REASON_NO_TEE] = "no-tee",
	};

	return names[reason];
}
