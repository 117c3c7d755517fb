#include "wire/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "wire/json.h"
#include "wire/utf8.h"

struct reader {
	yaml_parser_t parser;
	struct buf *path;
	json_t *lines;
	size_t depth, values;
	struct why *reterr_why;
};

/* For ENSURE, with the line of the event in front. */
#define ENSURE_AT(cond, code, r, event, ...)                                                                    \
	do {                                                                                                    \
		if (!(cond)) {                                                                                  \
			why_set((r)->reterr_why, __VA_ARGS__);                                                  \
			why_prefix((r)->reterr_why, "line %lu: ", (unsigned long)(event)->start_mark.line + 1); \
			return (code);                                                                          \
		}                                                                                               \
	} while (0)

static int next_event(struct reader *r, yaml_event_t *event)
{
	if (yaml_parser_parse(&r->parser, event))
		return ERR_OK;
	if (r->parser.error == YAML_MEMORY_ERROR) {
		why_set(r->reterr_why, "out of memory for YAML");
		return ERR_UNAVAILABLE;
	}
	why_set(r->reterr_why, "line %lu: not YAML: %s", (unsigned long)r->parser.problem_mark.line + 1,
	        r->parser.problem ? r->parser.problem : "unexpected characters");
	return ERR_INVALID;
}

static bool is_one_of(struct slice text, const char *const *names)
{
	for (; *names; names++)
		if (slice_is_str(text, *names))
			return true;
	return false;
}

static size_t count_digits(struct slice text, size_t from)
{
	size_t at = from;

	while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
		at++;
	return at - from;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?, which is JSON's number. */
static bool is_number(struct slice text, bool *ret_is_integer)
{
	size_t at = text.len && text.ptr[0] == '-', digits = count_digits(text, at);

	*ret_is_integer = true;
	if (digits == 0 || (digits > 1 && text.ptr[at] == '0'))
		return false;
	at += digits;
	if (at < text.len && text.ptr[at] == '.') {
		*ret_is_integer = false;
		digits = count_digits(text, at + 1);
		if (digits == 0)
			return false;
		at += 1 + digits;
	}
	if (at < text.len && (text.ptr[at] | 0x20) == 'e') {
		*ret_is_integer = false;
		at++;
		at += at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+');
		digits = count_digits(text, at);
		if (digits == 0)
			return false;
		at += digits;
	}
	return at == text.len;
}

static int make_number(struct reader *r, const yaml_event_t *event, bool is_integer, json_t **ret_value)
{
	const char *text = (const char *)event->data.scalar.value;
	json_t *value;
	long long integer;
	double real;

	errno = 0;
	integer = is_integer ? strtoll(text, NULL, 10) : 0;
	real = is_integer ? 0 : strtod(text, NULL);
	ENSURE_AT(errno == 0, ERR_INVALID, r, event, "a number that is too large or too fine");
	value = is_integer ? json_integer(integer) : json_real(real);
	ENSURE_AT(value, ERR_UNAVAILABLE, r, event, "out of memory");
	*ret_value = value;
	return ERR_OK;
}

static int check_text(struct reader *r, const yaml_event_t *event, struct slice *ret_text)
{
	struct slice text = slice_of(event->data.scalar.value, event->data.scalar.length);

	ENSURE_AT(utf8_is_valid(text) && !(text.len && memchr(text.ptr, 0, text.len)), ERR_INVALID, r, event,
	          "text with a NUL character or half a character in it");
	*ret_text = text;
	return ERR_OK;
}

static int read_scalar(struct reader *r, const yaml_event_t *event, json_t **ret_value)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE, is_integer;
	struct slice text;
	json_t *value;

	ENSURE_AT(!event->data.scalar.anchor && !event->data.scalar.tag, ERR_INVALID, r, event,
	          "an anchor or a tag, which are not accepted");
	TRY(check_text(r, event, &text));
	if (is_plain && is_number(text, &is_integer))
		return make_number(r, event, is_integer, ret_value);
	if (is_plain && is_one_of(text, nulls))
		value = json_null();
	else if (is_plain && is_one_of(text, trues))
		value = json_true();
	else if (is_plain && is_one_of(text, falses))
		value = json_false();
	else
		value = json_stringn((const char *)text.ptr, text.len);
	ENSURE_AT(value, ERR_UNAVAILABLE, r, event, "out of memory");
	*ret_value = value;
	return ERR_OK;
}

/* Remembers where the value at the current path stands. */
static int note_line(struct reader *r, const yaml_event_t *event)
{
	const char *path;

	TRY(buf_str(r->path, &path, r->reterr_why));
	ENSURE_AT(json_object_set_new(r->lines, path, json_integer((json_int_t)event->start_mark.line + 1)) == 0,
	          ERR_UNAVAILABLE, r, event, "out of memory");
	return ERR_OK;
}

static int read_node(struct reader *r, const yaml_event_t *event, json_t **ret_value);

/* Reads a value that no key leads to: an entry of a list, or the whole document. */
static int read_unnamed(struct reader *r, const yaml_event_t *event, json_t **ret_value)
{
	TRY(note_line(r, event));
	return read_node(r, event, ret_value);
}

static int read_member(struct reader *r, const yaml_event_t *key, json_t *object)
{
	CLEANUP(yaml_event_delete) yaml_event_t event = {0};
	size_t path_len = buf_len(r->path);
	json_t *value = NULL;
	struct slice name;

	ENSURE_AT(key->type == YAML_SCALAR_EVENT && !key->data.scalar.anchor && !key->data.scalar.tag, ERR_INVALID, r,
	          key, "a key that is not plain text");
	TRY(check_text(r, key, &name));
	ENSURE_AT(!slice_is_str(name, "<<"), ERR_INVALID, r, key, "a merge key, which is not accepted");
	ENSURE_AT(!json_object_get(object, (const char *)name.ptr), ERR_INVALID, r, key, "%s is there twice",
	          utf8_is_showable(name) ? (const char *)name.ptr : "a key");
	TRY(buf_put_fmt(r->path, r->reterr_why, "%s%s", path_len ? "." : "", (const char *)name.ptr));
	TRY(note_line(r, key));
	TRY(next_event(r, &event));
	TRY(read_node(r, &event, &value));
	buf_truncate(r->path, path_len);
	ENSURE_AT(json_object_set_new(object, (const char *)name.ptr, value) == 0, ERR_UNAVAILABLE, r, key,
	          "out of memory");
	return ERR_OK;
}

static int read_mapping(struct reader *r, json_t *object)
{
	for (;;) {
		CLEANUP(yaml_event_delete) yaml_event_t key = {0};

		TRY(next_event(r, &key));
		if (key.type == YAML_MAPPING_END_EVENT)
			return ERR_OK;
		TRY(read_member(r, &key, object));
	}
}

static int read_sequence(struct reader *r, json_t *array)
{
	size_t path_len = buf_len(r->path);

	for (;;) {
		CLEANUP(yaml_event_delete) yaml_event_t event = {0};
		json_t *value = NULL;

		TRY(next_event(r, &event));
		if (event.type == YAML_SEQUENCE_END_EVENT)
			return ERR_OK;
		TRY(buf_put_fmt(r->path, r->reterr_why, "[%zu]", json_array_size(array)));
		TRY(read_unnamed(r, &event, &value));
		buf_truncate(r->path, path_len);
		ENSURE_AT(json_array_append_new(array, value) == 0, ERR_UNAVAILABLE, r, &event, "out of memory");
	}
}

static int read_collection(struct reader *r, const yaml_event_t *event, json_t **ret_value)
{
	bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
	CLEANUP(json_freep) json_t *value = is_mapping ? json_object() : json_array();
	const yaml_char_t *anchor = is_mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	const yaml_char_t *tag = is_mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag;

	ENSURE_AT(value, ERR_UNAVAILABLE, r, event, "out of memory");
	ENSURE_AT(!anchor && !tag, ERR_INVALID, r, event, "an anchor or a tag, which are not accepted");
	ENSURE_AT(r->depth < YAML_DEPTH_MAX, ERR_LIMIT, r, event, "nested deeper than %d", YAML_DEPTH_MAX);
	r->depth++;
	if (is_mapping)
		TRY(read_mapping(r, value));
	else
		TRY(read_sequence(r, value));
	r->depth--;
	*ret_value = take_ptr(value);
	return ERR_OK;
}

static int read_node(struct reader *r, const yaml_event_t *event, json_t **ret_value)
{
	ENSURE_AT(r->values < YAML_VALUES_MAX, ERR_LIMIT, r, event, "more than %d values", YAML_VALUES_MAX);
	r->values++;
	if (event->type == YAML_SCALAR_EVENT)
		return read_scalar(r, event, ret_value);
	ENSURE_AT(event->type != YAML_ALIAS_EVENT, ERR_INVALID, r, event, "an alias, which is not accepted");
	return read_collection(r, event, ret_value);
}

/* Takes the next event, which must be of this type. */
static int expect(struct reader *r, yaml_event_type_t type, const char *what)
{
	CLEANUP(yaml_event_delete) yaml_event_t event = {0};

	TRY(next_event(r, &event));
	ENSURE_AT(event.type == type, ERR_INVALID, r, &event, "%s", what);
	return ERR_OK;
}

static int read_document(struct reader *r, json_t **ret_value)
{
	CLEANUP(yaml_event_delete) yaml_event_t start = {0}, event = {0};
	CLEANUP(json_freep) json_t *value = NULL;

	TRY(expect(r, YAML_STREAM_START_EVENT, "no beginning"));
	TRY(next_event(r, &start));
	if (start.type == YAML_STREAM_END_EVENT) {
		*ret_value = json_null();
		return ERR_OK;
	}
	ENSURE_AT(!start.data.document_start.version_directive && start.data.document_start.tag_directives.start ==
	                                                                  start.data.document_start.tag_directives.end,
	          ERR_INVALID, r, &start, "a directive, which is not accepted");
	TRY(next_event(r, &event));
	TRY(read_unnamed(r, &event, &value));
	TRY(expect(r, YAML_DOCUMENT_END_EVENT, "the document does not end here"));
	TRY(expect(r, YAML_STREAM_END_EVENT, "a second document, where one is accepted"));
	*ret_value = take_ptr(value);
	return ERR_OK;
}

int yaml_read(struct slice text, json_t **ret_value, json_t **ret_lines, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *path = NULL;
	CLEANUP(json_freep) json_t *lines = NULL;
	struct reader r = {.reterr_why = reterr_why};
	int err;

	ENSURE(text.len <= YAML_BYTES_MAX, ERR_LIMIT, reterr_why, "YAML of %zu bytes; at most %d are accepted",
	       text.len, YAML_BYTES_MAX);
	ENSURE(utf8_is_valid(text), ERR_INVALID, reterr_why, "not UTF-8 text");
	TRY(buf_new(YAML_PATH_BYTES_MAX, &path, reterr_why));
	lines = json_object();
	ENSURE(lines && yaml_parser_initialize(&r.parser), ERR_UNAVAILABLE, reterr_why, "out of memory for YAML");
	r.path = path;
	r.lines = lines;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, text.len ? text.ptr : (const unsigned char *)"", text.len);
	err = read_document(&r, ret_value);
	yaml_parser_delete(&r.parser);
	if (err == ERR_OK && ret_lines)
		*ret_lines = take_ptr(lines);
	return err;
}

unsigned yaml_line(const json_t *lines, const char *path)
{
	CLEANUP(free_p) char *around = lines ? strdup(path) : NULL;

	while (around) {
		const json_t *line = json_object_get(lines, around);
		char *dot = strrchr(around, '.'), *bracket = strrchr(around, '[');
		char *cut = dot > bracket ? dot : bracket;

		if (line)
			return (unsigned)json_integer_value(line);
		if (!*around)
			break;
		*(cut ? cut : around) = 0;
	}
	return 0;
}
