#include "iam/policy_text.h"

#include <string.h>

/* What is being compiled; the units are never more than the source has bytes. */
struct compiler {
	struct arena *arena;
	struct cursor in;
	uint16_t *units;
	struct policy_text text;
	struct policy_variable variables[POLICY_VARIABLES_MAX];
};

static struct slice trimmed(struct slice s)
{
	while (s.len && s.ptr[0] == ' ')
		s = slice_of(s.ptr + 1, s.len - 1);
	while (s.len && s.ptr[s.len - 1] == ' ')
		s.len--;
	return s;
}

/* `, 'default'` after a variable's key; `from` begins at the comma. */
static int read_default(struct slice from, struct policy_variable *v, struct why *reterr_why)
{
	struct slice quoted = trimmed(slice_of(from.ptr + 1, from.len - 1));

	ENSURE(quoted.len >= 2 && quoted.ptr[0] == '\'' && quoted.ptr[quoted.len - 1] == '\'', ERR_INVALID, reterr_why,
	       "the default of a variable stands between single quotes: ${key, 'default'}");
	v->fallback = slice_of(quoted.ptr + 1, quoted.len - 2);
	v->has_default = true;
	return ERR_OK;
}

/* What stands between ${ and }. */
static int read_variable(struct compiler *c, struct slice inner, struct why *reterr_why)
{
	struct policy_variable v = {0};
	struct iam_key_name name;
	const uint8_t *comma = memchr(inner.ptr, ',', inner.len);
	struct slice key = comma ? slice_of(inner.ptr, (size_t)(comma - inner.ptr)) : inner;

	ENSURE(c->text.variable_count < POLICY_VARIABLES_MAX, ERR_LIMIT, reterr_why, "more than %d variables in a text",
	       POLICY_VARIABLES_MAX);
	if (comma)
		TRY(read_default(slice_of(comma, inner.len - key.len), &v, reterr_why));
	TRY(iam_key_name_read(trimmed(key), &name, reterr_why));
	TRY(arena_copy(c->arena, slice_of(name.text, name.len), &v.key, reterr_why));
	v.is_claim = name.is_claim;
	c->units[c->text.count++] = (uint16_t)(UNIT_VARIABLE + c->text.variable_count);
	c->variables[c->text.variable_count++] = v;
	return ERR_OK;
}

/* The `{` that follows a `$` is next. */
static int read_braces(struct compiler *c, struct why *reterr_why)
{
	struct slice brace, inner;

	TRY(cursor_take(&c->in, 1, &brace, reterr_why));
	ENSURE(cursor_take_until(&c->in, '}', &inner, NULL) == ERR_OK, ERR_INVALID, reterr_why,
	       "a variable that begins with ${ does not end");
	ENSURE(inner.len > 0, ERR_INVALID, reterr_why, "a variable without a name: ${}");
	if (inner.len == 1 && (inner.ptr[0] == '*' || inner.ptr[0] == '?' || inner.ptr[0] == '$')) {
		c->units[c->text.count++] = inner.ptr[0];
		return ERR_OK;
	}
	return read_variable(c, inner, reterr_why);
}

static int read_units(struct compiler *c, struct policy_text_rules rules, struct why *reterr_why)
{
	while (c->in.rest.len) {
		uint8_t byte;

		TRY(cursor_take_u8(&c->in, &byte, reterr_why));
		if (rules.variables && byte == '$' && c->in.rest.len && c->in.rest.ptr[0] == '{') {
			TRY(read_braces(c, reterr_why));
		} else if (rules.wildcards && (byte == '*' || byte == '?')) {
			c->units[c->text.count++] = byte == '*' ? UNIT_ANY_RUN : UNIT_ANY_ONE;
			c->text.has_wildcard = true;
		} else {
			c->units[c->text.count++] = byte;
		}
	}
	return ERR_OK;
}

int policy_text_compile(struct arena *a, struct slice source, struct policy_text_rules rules,
                        struct policy_text *ret_text, struct why *reterr_why)
{
	struct compiler c = {.arena = a};
	void *room;

	ENSURE(source.len <= POLICY_EXPANDED_MAX, ERR_LIMIT, reterr_why, "a text of %zu bytes; at most %d are accepted",
	       source.len, POLICY_EXPANDED_MAX);
	TRY(arena_copy(a, source, &c.text.source, reterr_why));
	TRY(arena_take(a, source.len, sizeof *c.units, &room, reterr_why));
	c.units = room;
	c.in = cursor_of(c.text.source);
	TRY(read_units(&c, rules, reterr_why));
	c.text.units = c.units;
	if (c.text.variable_count) {
		TRY(arena_take(a, c.text.variable_count, sizeof c.variables[0], &room, reterr_why));
		memcpy(room, c.variables, c.text.variable_count * sizeof c.variables[0]);
		c.text.variables = room;
	}
	*ret_text = c.text;
	return ERR_OK;
}

enum { ARN_COLONS = 5 }; /* arn:partition:service:region:account:resource */

struct units {
	const uint16_t *ptr;
	size_t len;
};

struct expanded {
	uint16_t units[POLICY_EXPANDED_MAX];
	size_t count;
};

/* What a variable stands for. A claim's default is not for an Allow: an absent claim would allow by it. */
static bool variable_value(const struct policy_variable *v, const struct policy_scope *scope, struct slice *ret_value)
{
	size_t count;
	const struct slice *values = iam_context_find(scope->context, v->key, &count);

	if (count == 1) {
		*ret_value = values[0];
		return true;
	}
	/* Several values have no single text; that is a variable without a value, with or without a default. */
	if (count > 1 || !v->has_default || (v->is_claim && (scope->is_allow || scope->is_release)))
		return false;
	*ret_value = v->fallback;
	return true;
}

/* TRUTH_YES, or what the comparison gives because a variable has no value. */
static enum truth expand(const struct policy_text *t, const struct policy_scope *scope, struct expanded *into)
{
	into->count = 0;
	for (size_t i = 0; i < t->count; i++) {
		const struct policy_variable *v;
		struct slice value;

		if (t->units[i] < UNIT_VARIABLE) {
			if (into->count == POLICY_EXPANDED_MAX)
				return TRUTH_UNKNOWN;
			into->units[into->count++] = t->units[i];
			continue;
		}
		v = &t->variables[t->units[i] - UNIT_VARIABLE];
		if (!variable_value(v, scope, &value) || value.len > POLICY_EXPANDED_MAX - into->count)
			return v->is_claim ? TRUTH_UNKNOWN_CLAIM : TRUTH_UNKNOWN;
		for (size_t at = 0; at < value.len; at++)
			into->units[into->count++] = value.ptr[at];
	}
	return TRUTH_YES;
}

static uint16_t folded(uint16_t unit)
{
	return unit >= 'A' && unit <= 'Z' ? (uint16_t)(unit - 'A' + 'a') : unit;
}

/* Bytes of the character that begins at `at`: '?' stands for a character, which in UTF-8 may be four bytes. */
static size_t character_len(struct slice s, size_t at)
{
	size_t len = 1;

	while (len < 4 && at + len < s.len && (s.ptr[at + len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* Only the last '*' is ever taken up again, so the time is at most the product of the lengths. */
static bool glob(struct units pattern, struct slice subject, bool ignore_case)
{
	size_t p = 0, s = 0, retry_p = SIZE_MAX, retry_s = 0;

	while (s < subject.len) {
		uint16_t unit = p < pattern.len ? pattern.ptr[p] : UINT16_MAX;
		uint16_t byte = subject.ptr[s];

		if (unit == UNIT_ANY_RUN) {
			retry_p = ++p;
			retry_s = s;
		} else if (unit == UNIT_ANY_ONE) {
			s += character_len(subject, s);
			p++;
		} else if (unit == byte || (ignore_case && folded(unit) == folded(byte))) {
			s++;
			p++;
		} else if (retry_p != SIZE_MAX) {
			p = retry_p;
			s = ++retry_s;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == UNIT_ANY_RUN)
		p++;
	return p == pattern.len;
}

/* Apart from its caller, so that a text without variables pays for no room. */
static __attribute__((noinline)) enum truth matches_expanded(const struct policy_text *t,
                                                             const struct policy_scope *scope, struct slice subject,
                                                             bool ignore_case)
{
	struct expanded room;
	enum truth found = expand(t, scope, &room);

	if (found != TRUTH_YES)
		return found;
	return glob((struct units){room.units, room.count}, subject, ignore_case) ? TRUTH_YES : TRUTH_NO;
}

enum truth policy_text_matches(const struct policy_text *t, const struct policy_scope *scope, struct slice subject,
                               bool ignore_case)
{
	if (t->variable_count)
		return matches_expanded(t, scope, subject, ignore_case);
	return glob((struct units){t->units, t->count}, subject, ignore_case) ? TRUTH_YES : TRUTH_NO;
}

/* Splits off what is before the next ':' of a pattern; all of it if there is none. */
static struct units next_component(struct units *rest)
{
	struct units part = {rest->ptr, 0};

	while (part.len < rest->len && rest->ptr[part.len] != ':')
		part.len++;
	*rest = part.len < rest->len ? (struct units){rest->ptr + part.len + 1, rest->len - part.len - 1}
	                             : (struct units){rest->ptr + rest->len, 0};
	return part;
}

static size_t colons_of(struct units pattern)
{
	size_t colons = 0;

	for (size_t i = 0; i < pattern.len; i++)
		colons += pattern.ptr[i] == ':';
	return colons;
}

/* The first five components one by one; the sixth is all the rest, colons included. */
static enum truth arn_matches(struct units pattern, struct slice subject)
{
	struct cursor in = cursor_of(subject);

	if (pattern.len == 1 && pattern.ptr[0] == UNIT_ANY_RUN)
		return TRUTH_YES;
	if (colons_of(pattern) < ARN_COLONS)
		return TRUTH_NO;
	for (int i = 0; i < ARN_COLONS; i++) {
		struct slice part;

		if (cursor_take_until(&in, ':', &part, NULL) != ERR_OK || !glob(next_component(&pattern), part, false))
			return TRUTH_NO;
	}
	return glob(pattern, in.rest, false) ? TRUTH_YES : TRUTH_NO;
}

bool policy_is_arn(struct slice s)
{
	size_t colons = 0;

	for (size_t i = 0; i < s.len; i++)
		colons += s.ptr[i] == ':';
	return colons >= ARN_COLONS && slice_starts_with(s, "arn:");
}

enum truth policy_text_matches_arn(const struct policy_text *t, const struct policy_scope *scope, struct slice subject)
{
	struct expanded room;
	enum truth found;

	if (t->variable_count == 0)
		return arn_matches((struct units){t->units, t->count}, subject);
	found = expand(t, scope, &room);
	return found == TRUTH_YES ? arn_matches((struct units){room.units, room.count}, subject) : found;
}
