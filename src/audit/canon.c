#include "audit/canon.h"

#include <inttypes.h>
#include <string.h>

#include "audit/utf8.h"

/* What is being checked: the rest of the text, and where it began, for sentences. */
struct scan {
	struct cursor rest;
	const uint8_t *start;
};

static size_t scan_at(const struct scan *s)
{
	return (size_t)(s->rest.rest.ptr - s->start);
}

/* The next byte without taking it; 0, which no JSON text holds, at the end. */
static uint8_t scan_peek(const struct scan *s)
{
	return s->rest.rest.len ? s->rest.rest.ptr[0] : 0;
}

static void scan_skip(struct scan *s, size_t len)
{
	s->rest.rest.ptr += len;
	s->rest.rest.len -= len;
}

static int scan_expect(struct scan *s, uint8_t byte, struct why *reterr_why)
{
	ENSURE(scan_peek(s) == byte, ERR_INVALID, reterr_why, "not canonical JSON: '%c' is expected at byte %zu", byte,
	       scan_at(s));
	scan_skip(s, 1);
	return ERR_OK;
}

/* --- strings ---------------------------------------------------------------------------------------------------- */

static const char short_escapes[] = "btnfr\"\\";
static const uint8_t short_escaped[] = {'\b', '\t', '\n', '\f', '\r', '"', '\\'};

static int hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool has_short_escape(uint32_t code)
{
	for (size_t i = 0; i < sizeof short_escaped; i++)
		if (short_escaped[i] == code)
			return true;
	return false;
}

/* Takes what follows a backslash: a short escape, or "u00" and two digits for a control character that has none. */
static int take_escape(struct cursor *c, uint32_t *ret_code, struct why *reterr_why)
{
	struct slice hex;
	uint8_t letter;
	const char *known;

	TRY(cursor_take_u8(c, &letter, reterr_why));
	known = letter ? strchr(short_escapes, letter) : NULL;
	if (known) {
		*ret_code = short_escaped[known - short_escapes];
		return ERR_OK;
	}
	ENSURE(letter == 'u', ERR_INVALID, reterr_why, "not canonical JSON: an escape that is never needed");
	TRY(cursor_take(c, 4, &hex, reterr_why));
	ENSURE(slice_starts_with(hex, "00") && hex_digit(hex.ptr[2]) >= 0 && hex_digit(hex.ptr[2]) <= 1 &&
	               hex_digit(hex.ptr[3]) >= 0,
	       ERR_INVALID, reterr_why, "not canonical JSON: an escape that is never needed");
	*ret_code = (uint32_t)(hex_digit(hex.ptr[2]) * 16 + hex_digit(hex.ptr[3]));
	ENSURE(!has_short_escape(*ret_code), ERR_INVALID, reterr_why,
	       "not canonical JSON: a longer escape than is needed");
	return ERR_OK;
}

/* Takes one character of a string's inside. */
static int take_string_character(struct cursor *c, uint32_t *ret_code, struct why *reterr_why)
{
	if (c->rest.ptr[0] == '\\') {
		c->rest.ptr++;
		c->rest.len--;
		return take_escape(c, ret_code, reterr_why);
	}
	TRY(utf8_take(c, ret_code, reterr_why));
	ENSURE(*ret_code >= 0x20, ERR_INVALID, reterr_why, "not canonical JSON: control character 0x%02" PRIx32,
	       *ret_code);
	return ERR_OK;
}

/* Passes over plain ASCII, which is nearly all of what strings hold. */
static void skip_plain(struct cursor *c)
{
	while (c->rest.len && c->rest.ptr[0] >= 0x20 && c->rest.ptr[0] < 0x80 && c->rest.ptr[0] != '"' &&
	       c->rest.ptr[0] != '\\') {
		c->rest.ptr++;
		c->rest.len--;
	}
}

/* Takes a string; *ret_inside is what stands between its quotes. */
static int scan_string(struct scan *s, struct slice *ret_inside, struct why *reterr_why)
{
	const uint8_t *start;
	uint32_t code;

	TRY(scan_expect(s, '"', reterr_why));
	start = s->rest.rest.ptr;
	for (skip_plain(&s->rest); s->rest.rest.len && scan_peek(s) != '"'; skip_plain(&s->rest))
		TRY(take_string_character(&s->rest, &code, reterr_why));
	*ret_inside = slice_of(start, (size_t)(s->rest.rest.ptr - start));
	return scan_expect(s, '"', reterr_why);
}

/* The UTF-16 code unit with which a character begins. */
static uint32_t first_unit(uint32_t code)
{
	return code < 0x10000 ? code : 0xd800 + ((code - 0x10000) >> 10);
}

int canon_name_compare(struct slice a, struct slice b)
{
	struct cursor x = cursor_of(a), y = cursor_of(b);

	while (x.rest.len && y.rest.len) {
		uint32_t code_x, code_y;

		if (take_string_character(&x, &code_x, NULL) != ERR_OK ||
		    take_string_character(&y, &code_y, NULL) != ERR_OK)
			return 0; /* not names that a check has passed */
		if (first_unit(code_x) != first_unit(code_y))
			return first_unit(code_x) < first_unit(code_y) ? -1 : 1;
		if (code_x != code_y)
			return code_x < code_y ? -1 : 1;
	}
	return (x.rest.len > 0) - (y.rest.len > 0);
}

/* --- numbers and words ------------------------------------------------------------------------------------------ */

static size_t scan_digits(struct scan *s)
{
	size_t count = 0;

	while (scan_peek(s) >= '0' && scan_peek(s) <= '9') {
		scan_skip(s, 1);
		count++;
	}
	return count;
}

/* [-] digits [. digits] [e sign digits], as ECMAScript prints numbers: a sign in every exponent, no "-0", no 0 at the
 * end of a fraction. */
static int scan_number(struct scan *s, struct why *reterr_why)
{
	bool is_negative = scan_peek(s) == '-', is_zero;
	size_t at = scan_at(s);

	if (is_negative)
		scan_skip(s, 1);
	is_zero = scan_peek(s) == '0';
	if (is_zero)
		scan_skip(s, 1);
	ENSURE(is_zero || scan_digits(s) > 0, ERR_INVALID, reterr_why, "not canonical JSON: no value at byte %zu", at);
	if (scan_peek(s) == '.') {
		scan_skip(s, 1);
		ENSURE(scan_digits(s) > 0 && s->rest.rest.ptr[-1] != '0', ERR_INVALID, reterr_why,
		       "not canonical JSON: a fraction ends wrongly at byte %zu", scan_at(s));
		is_zero = false;
	}
	ENSURE(!(is_zero && is_negative), ERR_INVALID, reterr_why, "not canonical JSON: -0 at byte %zu", at);
	if (scan_peek(s) != 'e')
		return ERR_OK;
	scan_skip(s, 1);
	ENSURE(scan_peek(s) == '+' || scan_peek(s) == '-', ERR_INVALID, reterr_why,
	       "not canonical JSON: an exponent without a sign at byte %zu", scan_at(s));
	scan_skip(s, 1);
	ENSURE(!is_zero && scan_peek(s) != '0' && scan_digits(s) > 0, ERR_INVALID, reterr_why,
	       "not canonical JSON: an exponent is wrong at byte %zu", scan_at(s));
	return ERR_OK;
}

static int scan_word(struct scan *s, const char *word, struct why *reterr_why)
{
	ENSURE(slice_starts_with(s->rest.rest, word), ERR_INVALID, reterr_why,
	       "not canonical JSON: %s is expected at byte %zu", word, scan_at(s));
	scan_skip(s, strlen(word));
	return ERR_OK;
}

/* --- values ----------------------------------------------------------------------------------------------------- */

static int scan_value(struct scan *s, unsigned depth, struct why *reterr_why);

static int scan_array(struct scan *s, unsigned depth, struct why *reterr_why)
{
	TRY(scan_expect(s, '[', reterr_why));
	if (scan_peek(s) != ']') {
		TRY(scan_value(s, depth, reterr_why));
		while (scan_peek(s) == ',') {
			scan_skip(s, 1);
			TRY(scan_value(s, depth, reterr_why));
		}
	}
	return scan_expect(s, ']', reterr_why);
}

static int scan_member(struct scan *s, unsigned depth, struct slice *last_name, struct why *reterr_why)
{
	size_t at = scan_at(s);
	struct slice name;

	TRY(scan_string(s, &name, reterr_why));
	ENSURE(!last_name->ptr || canon_name_compare(*last_name, name) < 0, ERR_INVALID, reterr_why,
	       "not canonical JSON: a member out of order, or twice, at byte %zu", at);
	*last_name = name;
	TRY(scan_expect(s, ':', reterr_why));
	return scan_value(s, depth, reterr_why);
}

static int scan_object(struct scan *s, unsigned depth, struct why *reterr_why)
{
	struct slice last_name = {NULL, 0};

	TRY(scan_expect(s, '{', reterr_why));
	if (scan_peek(s) != '}') {
		TRY(scan_member(s, depth, &last_name, reterr_why));
		while (scan_peek(s) == ',') {
			scan_skip(s, 1);
			TRY(scan_member(s, depth, &last_name, reterr_why));
		}
	}
	return scan_expect(s, '}', reterr_why);
}

static int scan_value(struct scan *s, unsigned depth, struct why *reterr_why)
{
	struct slice inside;

	uint8_t first = scan_peek(s);

	ENSURE((first != '{' && first != '[') || depth < CANON_DEPTH_MAX, ERR_LIMIT, reterr_why,
	       "JSON that nests deeper than %d levels", CANON_DEPTH_MAX);
	switch (first) {
	case '{':
		return scan_object(s, depth + 1, reterr_why);
	case '[':
		return scan_array(s, depth + 1, reterr_why);
	case '"':
		return scan_string(s, &inside, reterr_why);
	case 't':
		return scan_word(s, "true", reterr_why);
	case 'f':
		return scan_word(s, "false", reterr_why);
	case 'n':
		return scan_word(s, "null", reterr_why);
	default:
		return scan_number(s, reterr_why);
	}
}

int canon_check_object(struct slice text, struct why *reterr_why)
{
	struct scan s = {cursor_of(text), text.ptr};

	ENSURE(scan_peek(&s) == '{', ERR_INVALID, reterr_why, "not a JSON object");
	TRY(scan_value(&s, 0, reterr_why));
	return cursor_finish(&s.rest, reterr_why);
}

/* --- walking ---------------------------------------------------------------------------------------------------- */

/* Everything below reads texts that canon_check_object() has passed, so it only has to find where values end. */

static size_t string_len(struct slice s)
{
	size_t at = 1;

	while (at < s.len && s.ptr[at] != '"')
		at += s.ptr[at] == '\\' ? 2 : 1;
	return at + 1 <= s.len ? at + 1 : s.len;
}

static size_t value_len(struct slice s)
{
	size_t at = 0, depth = 0;

	while (at < s.len) {
		uint8_t byte = s.ptr[at];

		if (depth == 0 && (byte == ',' || byte == '}' || byte == ']'))
			break;
		if (byte == '{' || byte == '[')
			depth++;
		if (byte == '}' || byte == ']')
			depth--;
		at += byte == '"' ? string_len(slice_of(s.ptr + at, s.len - at)) : 1;
	}
	return at;
}

struct canon_walk canon_members(struct slice object)
{
	struct slice inside = object.len >= 2 ? slice_of(object.ptr + 1, object.len - 2) : slice_of(NULL, 0);

	return (struct canon_walk){cursor_of(inside)};
}

bool canon_next(struct canon_walk *walk, struct canon_member *ret_member)
{
	struct slice name, colon, value, comma;

	if (walk->rest.rest.len == 0)
		return false;
	if (cursor_take(&walk->rest, string_len(walk->rest.rest), &name, NULL) != ERR_OK || name.len < 2 ||
	    cursor_take(&walk->rest, 1, &colon, NULL) != ERR_OK ||
	    cursor_take(&walk->rest, value_len(walk->rest.rest), &value, NULL) != ERR_OK)
		return false;
	if (walk->rest.rest.len && cursor_take(&walk->rest, 1, &comma, NULL) != ERR_OK)
		return false;
	*ret_member = (struct canon_member){slice_of(name.ptr + 1, name.len - 2), value};
	return true;
}

bool canon_find(struct slice object, const char *name, struct slice *ret_value)
{
	struct canon_walk walk = canon_members(object);
	struct canon_member member;

	while (canon_next(&walk, &member))
		if (slice_is_str(member.name, name)) {
			*ret_value = member.value;
			return true;
		}
	return false;
}

static int string_inside(struct slice value, struct slice *ret_inside, struct why *reterr_why)
{
	ENSURE(value.len >= 2 && value.ptr[0] == '"', ERR_INVALID, reterr_why, "a string was expected");
	*ret_inside = slice_of(value.ptr + 1, value.len - 2);
	return ERR_OK;
}

int canon_plain_string(struct slice value, struct slice *ret_text, struct why *reterr_why)
{
	struct slice inside;

	TRY(string_inside(value, &inside, reterr_why));
	ENSURE(inside.len == 0 || !memchr(inside.ptr, '\\', inside.len), ERR_INVALID, reterr_why,
	       "a string with escapes where none can be");
	*ret_text = inside;
	return ERR_OK;
}

int canon_number(struct slice value, uint64_t *ret_value, struct why *reterr_why)
{
	return slice_to_u64(value, CANON_NUMBER_MAX, ret_value, reterr_why);
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

static int put_character(struct buf *into, uint32_t code, struct slice bytes, struct why *reterr_why)
{
	for (size_t i = 0; i < sizeof short_escaped; i++)
		if (short_escaped[i] == code)
			return buf_put_fmt(into, reterr_why, "\\%c", short_escapes[i]);
	if (code < 0x20)
		return buf_put_fmt(into, reterr_why, "\\u%04" PRIx32, code);
	return buf_put(into, bytes, reterr_why);
}

int canon_put_string(struct buf *into, struct slice text, struct why *reterr_why)
{
	struct cursor c = cursor_of(text);

	TRY(buf_put_str(into, "\"", reterr_why));
	while (c.rest.len) {
		const uint8_t *start = c.rest.ptr;
		uint32_t code;

		skip_plain(&c);
		TRY(buf_put(into, slice_of(start, (size_t)(c.rest.ptr - start)), reterr_why));
		if (c.rest.len == 0)
			break;
		start = c.rest.ptr;
		TRY(utf8_take(&c, &code, reterr_why));
		TRY(put_character(into, code, slice_of(start, (size_t)(c.rest.ptr - start)), reterr_why));
	}
	return buf_put_str(into, "\"", reterr_why);
}

int canon_unescape(struct slice value, struct buf *into, struct why *reterr_why)
{
	struct slice inside;
	struct cursor c;

	TRY(string_inside(value, &inside, reterr_why));
	c = cursor_of(inside);
	while (c.rest.len) {
		const uint8_t *start = c.rest.ptr;
		uint32_t code;

		skip_plain(&c);
		TRY(buf_put(into, slice_of(start, (size_t)(c.rest.ptr - start)), reterr_why));
		if (c.rest.len == 0)
			break;
		start = c.rest.ptr;
		TRY(take_string_character(&c, &code, reterr_why));
		if (*start == '\\') /* escapes stand for ASCII only */
			TRY(buf_put_u8(into, (uint8_t)code, reterr_why));
		else
			TRY(buf_put(into, slice_of(start, (size_t)(c.rest.ptr - start)), reterr_why));
	}
	return ERR_OK;
}
