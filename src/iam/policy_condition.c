/* The Condition element: {operator: {key: value or list}}. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "iam/policy_parse.h"

/* AWS takes true and 5 for "true" and "5". A fraction is refused: it would be compared as the nearest binary number. */
static int value_text(const json_t *value, char digits[static 24], struct slice *ret_text, struct why *reterr_why)
{
	if (json_is_string(value)) {
		*ret_text = slice_of(json_string_value(value), json_string_length(value));
		return ERR_OK;
	}
	if (json_is_boolean(value)) {
		*ret_text = slice_str(json_is_true(value) ? "true" : "false");
		return ERR_OK;
	}
	ENSURE(!json_is_real(value), ERR_INVALID, reterr_why, "write a number that has a fraction as a string");
	ENSURE(json_is_integer(value), ERR_INVALID, reterr_why, "a value is a string, a whole number, true or false");
	snprintf(digits, 24, "%" PRId64, (int64_t)json_integer_value(value));
	*ret_text = slice_str(digits);
	return ERR_OK;
}

/* An ARN pattern that could match no ARN is a mistake; one that begins with a variable is judged when it is known. */
static int check_arn_pattern(const struct policy_text *t, struct why *reterr_why)
{
	ENSURE(t->variable_count || slice_is_str(t->source, "*") || policy_is_arn(t->source), ERR_INVALID, reterr_why,
	       "\"%.*s\" is no ARN: arn:partition:service:region:account:resource is expected",
	       (int)(t->source.len < 200 ? t->source.len : 200), (const char *)t->source.ptr);
	return ERR_OK;
}

static int read_value(struct policy_parser *p, const struct policy_condition *c, const json_t *json,
                      struct policy_text *ret_text, struct why *reterr_why)
{
	struct policy_text_rules rules = {.wildcards = c->comparison == COMPARE_PATTERN || c->comparison == COMPARE_ARN,
	                                  .variables = c->value_kind == VALUE_TEXT};
	struct slice text;
	char digits[24];

	TRY(value_text(json, digits, &text, reterr_why));
	TRY(policy_value_check(c, text, reterr_why));
	TRY(policy_parser_text(p, text, rules, ret_text, reterr_why));
	return c->comparison == COMPARE_ARN ? check_arn_pattern(ret_text, reterr_why) : ERR_OK;
}

static int read_values(struct policy_parser *p, struct policy_condition *c, const json_t *json, struct why *reterr_why)
{
	size_t count = json_is_array(json) ? json_array_size(json) : 1;
	struct policy_text *values;
	void *room;

	ENSURE(count > 0, ERR_INVALID, reterr_why, "a list without values");
	ENSURE(count <= POLICY_LIST_MAX, ERR_LIMIT, reterr_why, "%zu values; at most %d are accepted", count,
	       POLICY_LIST_MAX);
	TRY(arena_take(&p->policy->arena, count, sizeof *values, &room, reterr_why));
	values = room;
	for (size_t i = 0; i < count; i++)
		TRY(read_value(p, c, json_is_array(json) ? json_array_get(json, i) : json, &values[i], reterr_why));
	c->values = values;
	c->count = count;
	return ERR_OK;
}

static int read_key(struct policy_parser *p, struct policy_condition *c, const char *key, const json_t *values,
                    struct why *reterr_why)
{
	struct iam_key_name name;

	TRY(iam_key_name_read(slice_str(key), &name, reterr_why));
	TRY(arena_copy(&p->policy->arena, slice_str(key), &c->key_name, reterr_why));
	TRY(arena_copy(&p->policy->arena, slice_of(name.text, name.len), &c->key, reterr_why));
	c->is_claim = name.is_claim;
	return read_values(p, c, values, reterr_why);
}

static size_t count_keys(const json_t *condition)
{
	const char *name;
	json_t *keys;
	size_t count = 0;

	json_object_foreach((json_t *)(uintptr_t)condition, name, keys) count += json_object_size(keys);
	return count;
}

/* All keys of one operator. */
static int read_operator(struct policy_parser *p, const char *name, json_t *keys, struct policy_condition *into,
                         struct why *reterr_why)
{
	struct policy_condition operator= { 0 };
	const char *key;
	json_t *values;

	TRY(policy_operator_read(slice_str(name), &operator, reterr_why));
	TRY(arena_copy(&p->policy->arena, slice_str(name), &operator.operator_name, reterr_why));
	ENSURE(json_is_object(keys) && json_object_size(keys) > 0, ERR_INVALID, reterr_why,
	       "%s: an object of condition keys is expected", name);
	json_object_foreach(keys, key, values)
	{
		int err;

		*into = operator;
		err = read_key(p, into, key, values, reterr_why);
		if (err != ERR_OK) {
			why_prefix(reterr_why, "%s, %.80s: ", name, key);
			return err;
		}
		into++;
	}
	return ERR_OK;
}

int policy_parse_conditions(struct policy_parser *p, const json_t *condition, struct policy_statement *into,
                            struct why *reterr_why)
{
	struct policy_condition *conditions;
	const char *name;
	json_t *keys;
	void *room;
	size_t count;

	ENSURE(json_is_object(condition) && json_object_size(condition) > 0, ERR_INVALID, reterr_why,
	       "Condition: an object of operators is expected");
	count = count_keys(condition);
	ENSURE(count <= POLICY_CONDITIONS_MAX, ERR_LIMIT, reterr_why,
	       "Condition: %zu conditions; at most %d are accepted", count, POLICY_CONDITIONS_MAX);
	TRY(arena_take(&p->policy->arena, count, sizeof *conditions, &room, reterr_why));
	conditions = room;
	into->conditions = conditions;
	into->condition_count = count;
	json_object_foreach((json_t *)(uintptr_t)condition, name, keys)
	{
		int err = read_operator(p, name, keys, conditions, reterr_why);

		if (err != ERR_OK) {
			why_prefix(reterr_why, "Condition: ");
			return err;
		}
		conditions += json_object_size(keys);
	}
	return ERR_OK;
}
