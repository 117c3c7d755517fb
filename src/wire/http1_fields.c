#include "wire/http1_fields.h"

#include <string.h>
#include <strings.h>

/* tchar of RFC 9110 5.6.2. */
static const bool token_bytes[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['!'] = true, ['#'] = true, ['$'] = true,
	['%'] = true,         ['&'] = true,         ['\''] = true,        ['*'] = true, ['+'] = true, ['-'] = true,
	['.'] = true,         ['^'] = true,         ['_'] = true,         ['`'] = true, ['|'] = true, ['~'] = true,
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_control(uint8_t c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f;
}

bool http1_is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!token_bytes[s.ptr[i]])
			return false;
	return s.len > 0;
}

bool http1_is_value(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (is_control(s.ptr[i]))
			return false;
	return s.len == 0 || !(is_blank(s.ptr[0]) || is_blank(s.ptr[s.len - 1]));
}

struct slice http1_trim(struct slice s)
{
	while (s.len && is_blank(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

/* Says what is wrong with a name; the commonest smuggling tricks get their own sentence. */
static int check_name(struct slice name, size_t number, struct why *reterr_why)
{
	ENSURE(name.len, ERR_INVALID, reterr_why, "header line %zu has no name", number);
	ENSURE(!is_blank(name.ptr[0]), ERR_INVALID, reterr_why,
	       "header line %zu begins with white space: folded lines are not accepted", number);
	ENSURE(!is_blank(name.ptr[name.len - 1]), ERR_INVALID, reterr_why,
	       "header line %zu has white space before its colon", number);
	for (size_t i = 0; i < name.len; i++)
		ENSURE(token_bytes[name.ptr[i]], ERR_INVALID, reterr_why, "byte 0x%02x in the name of header line %zu",
		       name.ptr[i], number);
	return ERR_OK;
}

static int parse_line(struct slice line, size_t number, struct http1_field *ret_field, struct why *reterr_why)
{
	const uint8_t *colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;
	size_t name_len = colon ? (size_t)(colon - line.ptr) : 0;
	struct slice name = slice_of(line.ptr, name_len), value;

	ENSURE(!line.len || !is_blank(line.ptr[0]), ERR_INVALID, reterr_why,
	       "header line %zu begins with white space: folded lines are not accepted", number);
	ENSURE(colon, ERR_INVALID, reterr_why, "header line %zu has no colon", number);
	TRY(check_name(name, number, reterr_why));
	value = http1_trim(slice_of(colon + 1, line.len - name_len - 1));
	for (size_t i = 0; i < value.len; i++)
		ENSURE(!is_control(value.ptr[i]), ERR_INVALID, reterr_why, "control byte 0x%02x in the value of %.*s",
		       value.ptr[i], (int)name.len, (const char *)name.ptr);
	*ret_field = (struct http1_field){name, value};
	return ERR_OK;
}

/* The next line without its CRLF. */
static int take_line(struct cursor *c, size_t number, struct slice *ret_line, struct why *reterr_why)
{
	struct slice line;

	TRY(cursor_take_until(c, '\n', &line, reterr_why));
	ENSURE(line.len && line.ptr[line.len - 1] == '\r', ERR_INVALID, reterr_why,
	       "header line %zu ends in a bare LF; lines end in CRLF", number);
	*ret_line = slice_of(line.ptr, line.len - 1);
	return ERR_OK;
}

int http1_fields_parse(struct slice lines, struct http1_fields *ret_fields, struct why *reterr_why)
{
	struct cursor c = cursor_of(lines);
	struct http1_fields fields;
	struct slice line;

	fields.count = 0;
	while (c.rest.len) {
		TRY(take_line(&c, fields.count + 1, &line, reterr_why));
		ENSURE(fields.count < HTTP1_FIELDS_MAX, ERR_LIMIT, reterr_why, "more than %d header lines",
		       HTTP1_FIELDS_MAX);
		TRY(parse_line(line, fields.count + 1, &fields.at[fields.count], reterr_why));
		fields.count++;
	}
	memcpy(ret_fields->at, fields.at, fields.count * sizeof *fields.at);
	ret_fields->count = fields.count;
	return ERR_OK;
}

static bool has_name(const struct http1_field *field, const char *name, size_t name_len)
{
	return field->name.len == name_len && strncasecmp((const char *)field->name.ptr, name, name_len) == 0;
}

int http1_fields_one(const struct http1_fields *fields, const char *name, struct slice *ret_value,
                     struct why *reterr_why)
{
	const struct http1_field *found = NULL;
	size_t name_len = strlen(name);

	for (size_t i = 0; i < fields->count; i++) {
		if (!has_name(&fields->at[i], name, name_len))
			continue;
		ENSURE(!found, ERR_CONFLICT, reterr_why, "header %s is given twice", name);
		found = &fields->at[i];
	}
	ENSURE(found, ERR_NOTFOUND, reterr_why, "header %s is missing", name);
	*ret_value = found->value;
	return ERR_OK;
}

bool http1_fields_find(const struct http1_fields *fields, const char *name, struct slice *ret_value)
{
	size_t name_len = strlen(name);

	*ret_value = slice_of(NULL, 0);
	for (size_t i = 0; i < fields->count; i++) {
		if (!has_name(&fields->at[i], name, name_len))
			continue;
		*ret_value = fields->at[i].value;
		return true;
	}
	return false;
}

size_t http1_fields_count(const struct http1_fields *fields, const char *name)
{
	size_t name_len = strlen(name), count = 0;

	for (size_t i = 0; i < fields->count; i++)
		count += has_name(&fields->at[i], name, name_len);
	return count;
}

static bool list_has(struct slice list, const char *token)
{
	struct cursor c = cursor_of(list);
	struct slice member;

	while (cursor_take_until(&c, ',', &member, NULL) == ERR_OK)
		if (slice_is_str_nocase(http1_trim(member), token))
			return true;
	return slice_is_str_nocase(http1_trim(c.rest), token);
}

bool http1_fields_list_has(const struct http1_fields *fields, const char *name, const char *token)
{
	size_t name_len = strlen(name);

	for (size_t i = 0; i < fields->count; i++)
		if (has_name(&fields->at[i], name, name_len) && list_has(fields->at[i].value, token))
			return true;
	return false;
}
