/* The operators of conditions (IAM "Policy elements: Condition operators"). */
#include <string.h>

#include "iam/policy_ast.h"

static const struct {
	const char *name;
	enum comparison comparison;
	enum value_kind value_kind;
	bool is_negated;
} operators[] = {
	{"StringEquals", COMPARE_STRING, VALUE_TEXT, false},
	{"StringNotEquals", COMPARE_STRING, VALUE_TEXT, true},
	{"StringEqualsIgnoreCase", COMPARE_STRING_NOCASE, VALUE_TEXT, false},
	{"StringNotEqualsIgnoreCase", COMPARE_STRING_NOCASE, VALUE_TEXT, true},
	{"StringLike", COMPARE_PATTERN, VALUE_TEXT, false},
	{"StringNotLike", COMPARE_PATTERN, VALUE_TEXT, true},
	{"NumericEquals", COMPARE_EQUAL, VALUE_NUMBER, false},
	{"NumericNotEquals", COMPARE_EQUAL, VALUE_NUMBER, true},
	{"NumericLessThan", COMPARE_LESS, VALUE_NUMBER, false},
	{"NumericLessThanEquals", COMPARE_LESS_EQUAL, VALUE_NUMBER, false},
	{"NumericGreaterThan", COMPARE_GREATER, VALUE_NUMBER, false},
	{"NumericGreaterThanEquals", COMPARE_GREATER_EQUAL, VALUE_NUMBER, false},
	{"DateEquals", COMPARE_EQUAL, VALUE_DATE, false},
	{"DateNotEquals", COMPARE_EQUAL, VALUE_DATE, true},
	{"DateLessThan", COMPARE_LESS, VALUE_DATE, false},
	{"DateLessThanEquals", COMPARE_LESS_EQUAL, VALUE_DATE, false},
	{"DateGreaterThan", COMPARE_GREATER, VALUE_DATE, false},
	{"DateGreaterThanEquals", COMPARE_GREATER_EQUAL, VALUE_DATE, false},
	{"Bool", COMPARE_BOOL, VALUE_BOOL, false},
	{"BinaryEquals", COMPARE_BINARY, VALUE_BINARY, false},
	{"IpAddress", COMPARE_ADDRESS, VALUE_NETWORK, false},
	{"NotIpAddress", COMPARE_ADDRESS, VALUE_NETWORK, true},
	/* Documented to behave alike. */
	{"ArnEquals", COMPARE_ARN, VALUE_TEXT, false},
	{"ArnLike", COMPARE_ARN, VALUE_TEXT, false},
	{"ArnNotEquals", COMPARE_ARN, VALUE_TEXT, true},
	{"ArnNotLike", COMPARE_ARN, VALUE_TEXT, true},
	{"Null", COMPARE_NULL, VALUE_BOOL, false},
};

/* Drops `prefix` from the front of *s; tells whether it was there. */
static bool drop_prefix(struct slice *s, const char *prefix)
{
	size_t len = strlen(prefix);

	if (!slice_starts_with(*s, prefix))
		return false;
	*s = slice_of(s->ptr + len, s->len - len);
	return true;
}

static bool drop_suffix(struct slice *s, const char *suffix)
{
	size_t len = strlen(suffix);

	if (s->len < len || !slice_is_str(slice_of(s->ptr + s->len - len, len), suffix))
		return false;
	s->len -= len;
	return true;
}

int policy_operator_read(struct slice name, struct policy_condition *into, struct why *reterr_why)
{
	struct slice rest = name;

	into->set = SET_NONE;
	if (drop_prefix(&rest, "ForAnyValue:"))
		into->set = SET_ANY;
	else if (drop_prefix(&rest, "ForAllValues:"))
		into->set = SET_ALL;
	into->if_exists = drop_suffix(&rest, "IfExists");
	for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
		if (!slice_is_str(rest, operators[i].name))
			continue;
		into->comparison = operators[i].comparison;
		into->value_kind = operators[i].value_kind;
		into->is_negated = operators[i].is_negated;
		ENSURE(into->comparison != COMPARE_NULL || (into->set == SET_NONE && !into->if_exists), ERR_INVALID,
		       reterr_why, "Null takes neither ForAnyValue: nor ForAllValues: nor IfExists");
		return ERR_OK;
	}
	why_set(reterr_why, "there is no condition operator \"%.*s\"", (int)(name.len < 80 ? name.len : 80),
	        (const char *)name.ptr);
	return ERR_INVALID;
}
