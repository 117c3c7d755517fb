#include "iam/condition.h"

/* An absent claim of the attestation set: nothing in an Allow, everything in a release's Deny (protocols 3). */
static bool absent_holds(const struct policy_condition *c, const struct policy_scope *scope)
{
	if (c->is_claim && scope->is_allow)
		return false;
	if (c->is_claim && scope->is_release)
		return true;
	if (c->if_exists || c->set == SET_ALL)
		return true;
	return c->is_negated && c->set != SET_ANY;
}

/* The strongest of what the policy's values say about one value of the request. */
static enum truth any_value_matches(const struct policy_condition *c, const struct policy_scope *scope,
                                    struct slice subject)
{
	enum truth strongest = TRUTH_NO;

	for (size_t i = 0; i < c->count && strongest != TRUTH_YES; i++) {
		enum truth found = policy_value_compare(c, &c->values[i], scope, subject);

		strongest = found > strongest ? found : strongest;
	}
	return strongest;
}

/* Whether one value of the request is as the operator wants it. What can not be known never allows; in a Deny it counts
 * as unequal, as documented, and in a release an unknown claim denies. */
static bool value_holds(const struct policy_condition *c, const struct policy_scope *scope, struct slice subject)
{
	switch (any_value_matches(c, scope, subject)) {
	case TRUTH_YES:
		return !c->is_negated;
	case TRUTH_NO:
		return c->is_negated;
	case TRUTH_UNKNOWN_CLAIM:
		return !scope->is_allow && (c->is_negated || scope->is_release);
	default:
		return !scope->is_allow && c->is_negated;
	}
}

/* ForAnyValue: one value suffices; ForAllValues: all must hold. Without either, AWS does not say what several values
 * mean: here the cautious reading, all of them for an Allow and any of them for a Deny. */
static bool present_holds(const struct policy_condition *c, const struct policy_scope *scope,
                          const struct slice *values, size_t count)
{
	bool any_suffices = c->set == SET_ANY || (c->set == SET_NONE && !scope->is_allow);

	for (size_t i = 0; i < count; i++) {
		/* ForAllValues is documented to hold over empty values; that is kept where it denies. */
		if (c->set == SET_ALL && !scope->is_allow && values[i].len == 0)
			continue;
		if (value_holds(c, scope, values[i]) == any_suffices)
			return any_suffices;
	}
	return !any_suffices;
}

static bool null_holds(const struct policy_condition *c, bool is_absent)
{
	for (size_t i = 0; i < c->count; i++)
		if (slice_is_str(c->values[i].source, "true") == is_absent)
			return true;
	return false;
}

static bool condition_holds(const struct policy_condition *c, const struct policy_scope *scope)
{
	size_t count;
	const struct slice *values = iam_context_find(scope->context, c->key, &count);

	if (c->comparison == COMPARE_NULL)
		return null_holds(c, count == 0);
	if (count == 0)
		return absent_holds(c, scope);
	return present_holds(c, scope, values, count);
}

bool policy_conditions_hold(const struct policy_statement *s, const struct policy_scope *scope,
                            const struct policy_condition **ret_failed)
{
	for (size_t i = 0; i < s->condition_count; i++) {
		if (!condition_holds(&s->conditions[i], scope)) {
			*ret_failed = &s->conditions[i];
			return false;
		}
	}
	return true;
}

/* Whether the condition is a positive one that writes this very value, without wildcards and without variables. */
static bool names_value(const struct policy_condition *c, const char *key, struct slice value)
{
	bool is_positive_equality = !c->is_negated &&
	                            (c->comparison == COMPARE_STRING || c->comparison == COMPARE_STRING_NOCASE ||
	                             c->comparison == COMPARE_PATTERN || c->comparison == COMPARE_BOOL);

	if (!is_positive_equality || !slice_is_str(c->key, key))
		return false;
	for (size_t i = 0; i < c->count; i++) {
		const struct policy_text *t = &c->values[i];

		if (!t->has_wildcard && t->variable_count == 0 && slice_equal(t->source, value))
			return true;
	}
	return false;
}

static bool statement_names(const struct policy_statement *s, const char *key, struct slice value)
{
	for (size_t i = 0; i < s->condition_count; i++)
		if (names_value(&s->conditions[i], key, value))
			return true;
	return false;
}

const char *policy_unnamed_claim(const struct policy_statement *s, const struct policy_scope *scope,
                                 struct slice *ret_value)
{
	/* `harmless` is the one value that needs no naming; for cloister:Tee it is `sim` that does. */
	static const struct {
		const char *key, *shown, *harmless, *harmful;
	} dangers[] = {
		{"cloister:tee", "cloister:Tee", NULL, "sim"},
		{"cloister:debug", "cloister:Debug", "false", NULL},
		{"cloister:tcbstatus", "cloister:TcbStatus", "UpToDate", NULL},
		{"cloister:insecure", "cloister:Insecure", NULL, NULL},
	};

	for (size_t i = 0; i < sizeof dangers / sizeof dangers[0]; i++) {
		size_t count;
		const struct slice *values = iam_context_find(scope->context, slice_str(dangers[i].key), &count);

		for (size_t v = 0; v < count; v++) {
			bool is_danger = dangers[i].harmful ? slice_is_str_nocase(values[v], dangers[i].harmful)
			                                    : !dangers[i].harmless ||
			                                              !slice_is_str(values[v], dangers[i].harmless);

			if (is_danger && !statement_names(s, dangers[i].key, values[v])) {
				*ret_value = values[v];
				return dangers[i].shown;
			}
		}
	}
	return NULL;
}
