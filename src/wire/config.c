#include "wire/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/slice.h"
#include "wire/json.h"
#include "wire/suggest.h"
#include "wire/utf8.h"
#include "wire/yaml.h"

struct value {
	const json_t *json; /* NULL: the default counts */
	int64_t number;
};

struct config {
	const struct config_key *keys;
	size_t count;
	json_t *tree;
	struct value values[];
};

/* What reading needs at every level. */
struct reading {
	struct config *config;
	const json_t *lines;
	const char *prefix;
	struct why *reterr_why;
};

void config_free(struct config *c)
{
	if (!c)
		return;
	json_decref(c->tree);
	free(c);
}

void config_freep(struct config **c)
{
	config_free(*c);
	*c = NULL;
}

/* Puts "line 7: front.listen: " before the sentence that is there. */
static int refuse(const struct reading *r, const char *path)
{
	char full[YAML_PATH_BYTES_MAX];
	unsigned line;

	snprintf(full, sizeof full, "%s%s%s", r->prefix, *r->prefix && *path ? "." : "", path);
	line = yaml_line(r->lines, full);
	if (utf8_is_showable(slice_str(full)))
		why_prefix(r->reterr_why, "%s: ", full);
	if (line)
		why_prefix(r->reterr_why, "line %u: ", line);
	return ERR_INVALID;
}

/* A whole number and one of the units. */
static int read_with_unit(const char *text, const struct config_key *key, int64_t *ret_number, struct why *reterr_why)
{
	static const struct unit {
		enum config_type type;
		const char *name;
		uint64_t factor;
	} units[] = {
		{CONFIG_BYTES, "KiB", UINT64_C(1) << 10},
		{CONFIG_BYTES, "MiB", UINT64_C(1) << 20},
		{CONFIG_BYTES, "GiB", UINT64_C(1) << 30},
		{CONFIG_BYTES, "TiB", UINT64_C(1) << 40},
		{CONFIG_MS, "ms", 1},
		{CONFIG_MS, "s", 1000},
		{CONFIG_MS, "m", 60 * 1000},
		{CONFIG_MS, "h", 3600 * 1000},
		{CONFIG_MS, "d", 24 * 3600 * 1000},
	};
	const char *unit = text + strspn(text, "0123456789");
	uint64_t number;

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (units[i].type != key->type || strcmp(units[i].name, unit) != 0)
			continue;
		TRY(slice_to_u64(slice_of(text, (size_t)(unit - text)), INT64_MAX / units[i].factor, &number,
		                 reterr_why));
		*ret_number = (int64_t)(number * units[i].factor);
		return ERR_OK;
	}
	why_set(reterr_why, key->type == CONFIG_BYTES ? "must be a size such as 64MiB (KiB, MiB, GiB, TiB)"
	                                              : "must be a duration such as 90s (ms, s, m, h, d)");
	return ERR_INVALID;
}

static int read_number(const json_t *json, const struct config_key *key, int64_t *ret_number, struct why *reterr_why)
{
	int64_t number;

	ENSURE(json_is_integer(json) || key->type != CONFIG_INT, ERR_INVALID, reterr_why, "must be a whole number");
	if (json_is_integer(json) && key->type != CONFIG_MS) /* a duration without its unit would be a guess */
		number = json_integer_value(json);
	else
		TRY(read_with_unit(json_is_string(json) ? json_string_value(json) : "", key, &number, reterr_why));
	ENSURE(number >= key->min && number <= key->max, ERR_INVALID, reterr_why,
	       "must be from %" PRId64 " to %" PRId64 "%s, not %" PRId64, key->min, key->max,
	       key->type == CONFIG_BYTES ? " bytes"
	       : key->type == CONFIG_MS  ? " ms"
	                                 : "",
	       number);
	*ret_number = number;
	return ERR_OK;
}

static int check_choice(const json_t *json, const struct config_key *key, struct why *reterr_why)
{
	const char *text = json_is_string(json) ? json_string_value(json) : "", *nearest;
	char all[256] = "";

	for (size_t i = 0; key->choices[i]; i++) {
		size_t len = strlen(all);

		if (strcmp(key->choices[i], text) == 0)
			return ERR_OK;
		snprintf(all + len, sizeof all - len, "%s%s", i ? ", " : "", key->choices[i]);
	}
	nearest = suggest_nearest(text, key->choices);
	why_set(reterr_why, nearest ? "must be one of %s; did you mean %s?" : "must be one of %s", all, nearest);
	return ERR_INVALID;
}

static int check_text(const json_t *json, const struct config_key *key, struct why *reterr_why)
{
	size_t len = json_string_length(json);

	ENSURE(json_is_string(json), ERR_INVALID, reterr_why,
	       "must be text; put it in quotes if it looks like a number");
	ENSURE(len >= (size_t)key->min && len <= (size_t)key->max, ERR_INVALID, reterr_why,
	       "must have from %" PRId64 " to %" PRId64 " characters, not %zu", key->min, key->max, len);
	return ERR_OK;
}

static int check_list(const json_t *json, const struct config_key *key, struct why *reterr_why)
{
	size_t count = json_array_size(json);

	ENSURE(json_is_array(json), ERR_INVALID, reterr_why, "must be a list");
	ENSURE(count >= (size_t)key->min && count <= (size_t)key->max, ERR_INVALID, reterr_why,
	       "must have from %" PRId64 " to %" PRId64 " entries, not %zu", key->min, key->max, count);
	for (size_t i = 0; i < count; i++)
		ENSURE(json_is_string(json_array_get(json, i)), ERR_INVALID, reterr_why, "entry %zu must be text",
		       i + 1);
	return ERR_OK;
}

static int read_value(const json_t *json, const struct config_key *key, struct value *value, struct why *reterr_why)
{
	switch (key->type) {
	case CONFIG_BOOL:
		ENSURE(json_is_boolean(json), ERR_INVALID, reterr_why, "must be true or false");
		value->number = json_is_true(json);
		break;
	case CONFIG_INT:
	case CONFIG_BYTES:
	case CONFIG_MS:
		TRY(read_number(json, key, &value->number, reterr_why));
		break;
	case CONFIG_STRING:
		TRY(check_text(json, key, reterr_why));
		break;
	case CONFIG_CHOICE:
		TRY(check_choice(json, key, reterr_why));
		break;
	case CONFIG_LIST:
		TRY(check_list(json, key, reterr_why));
		break;
	case CONFIG_TREE:
		break;
	}
	value->json = json;
	return ERR_OK;
}

/* Does the table have a key below this path? */
static bool is_section(const struct config *c, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < c->count; i++)
		if (strncmp(c->keys[i].path, path, len) == 0 && c->keys[i].path[len] == '.')
			return true;
	return false;
}

static int refuse_unknown(const struct reading *r, const char *path)
{
	CLEANUP(free_p) const char **known = calloc(r->config->count + 1, sizeof *known);
	const char *nearest = NULL;

	for (size_t i = 0; known && i < r->config->count; i++)
		known[i] = r->config->keys[i].path;
	if (known)
		nearest = suggest_nearest(path, known);
	why_set(r->reterr_why, nearest ? "unknown key; did you mean %s?" : "unknown key", nearest);
	return refuse(r, path);
}

static int read_section(const struct reading *r, const json_t *section, const char *path);

static int read_key(const struct reading *r, const json_t *json, const char *path)
{
	struct config *c = r->config;

	if (is_section(c, path))
		return read_section(r, json, path);
	for (size_t i = 0; i < c->count; i++) {
		if (strcmp(c->keys[i].path, path) != 0)
			continue;
		if (json_is_null(json)) /* "key:" with nothing after it is a key that was not set */
			return ERR_OK;
		return read_value(json, &c->keys[i], &c->values[i], r->reterr_why) == ERR_OK ? ERR_OK : refuse(r, path);
	}
	return refuse_unknown(r, path);
}

/* Recursion ends with the table: a section is a prefix of some path in it. */
static int read_section(const struct reading *r, const json_t *section, const char *path)
{
	const char *name;
	json_t *json;

	if (json_is_null(section))
		return ERR_OK;
	if (!json_is_object(section)) {
		why_set(r->reterr_why, "must be a section with keys of its own");
		return refuse(r, path);
	}
	json_object_foreach((json_t *)section, name, json)
	{
		char below[YAML_PATH_BYTES_MAX];
		int len = snprintf(below, sizeof below, "%s%s%s", path, *path ? "." : "", name);

		/* a dot in a name would make it look like a path */
		if (len < 0 || (size_t)len >= sizeof below || strchr(name, '.')) {
			below[sizeof below - 1] = 0;
			return refuse_unknown(r, below);
		}
		TRY(read_key(r, json, below));
	}
	return ERR_OK;
}

static int check_table(const struct config_key *keys, size_t count, struct why *reterr_why)
{
	for (size_t i = 0; i < count; i++) {
		const struct config_key *key = &keys[i];
		const char *dot = strrchr(key->path, '.'), *last = dot ? dot + 1 : key->path;
		bool is_named_insecure = strncmp(last, "insecure_", strlen("insecure_")) == 0;

		ENSURE(key->is_insecure == is_named_insecure &&
		               (!key->is_insecure || (key->type == CONFIG_BOOL && !key->default_number)),
		       ERR_INTERNAL, reterr_why,
		       "%s: an insecure switch is called insecure_*, is a boolean and is off by default", key->path);
		ENSURE((key->type == CONFIG_CHOICE) == (key->choices != NULL) && key->min <= key->max, ERR_INTERNAL,
		       reterr_why, "%s: a contradiction in the table", key->path);
	}
	return ERR_OK;
}

static int check_required(const struct reading *r)
{
	const struct config *c = r->config;

	for (size_t i = 0; i < c->count; i++) {
		if (c->keys[i].is_required && !c->values[i].json) {
			why_set(r->reterr_why, "must be set");
			return refuse(r, c->keys[i].path);
		}
	}
	return ERR_OK;
}

int config_read(const json_t *tree, const json_t *lines, const char *prefix, const struct config_key *keys,
                size_t count, struct config **ret_config, struct why *reterr_why)
{
	CLEANUP(config_freep) struct config *c = NULL;
	struct reading r = {.lines = lines, .prefix = prefix, .reterr_why = reterr_why};

	TRY(check_table(keys, count, reterr_why));
	c = calloc(1, sizeof *c + count * sizeof c->values[0]);
	ENSURE(c, ERR_UNAVAILABLE, reterr_why, "out of memory for the configuration");
	c->keys = keys;
	c->count = count;
	c->tree = json_incref((json_t *)tree);
	for (size_t i = 0; i < count; i++)
		c->values[i].number = keys[i].default_number;
	r.config = c;
	TRY(read_section(&r, tree, ""));
	TRY(check_required(&r));
	*ret_config = take_ptr(c);
	return ERR_OK;
}

/* --- what was read --- */

static const struct value *find(const struct config *c, const char *path, size_t *ret_at)
{
	for (size_t i = 0; i < c->count; i++) {
		if (strcmp(c->keys[i].path, path) == 0) {
			*ret_at = i;
			return &c->values[i];
		}
	}
	abort(); /* the program asks for a key that its own table does not have */
}

static const struct value *find_typed(const struct config *c, const char *path, unsigned types)
{
	size_t at;
	const struct value *value = find(c, path, &at);

	if (!(types & 1u << c->keys[at].type))
		abort();
	return value;
}

bool config_bool(const struct config *c, const char *path)
{
	return find_typed(c, path, 1u << CONFIG_BOOL)->number != 0;
}

int64_t config_number(const struct config *c, const char *path)
{
	return find_typed(c, path, 1u << CONFIG_INT | 1u << CONFIG_BYTES | 1u << CONFIG_MS)->number;
}

const char *config_string(const struct config *c, const char *path)
{
	const struct value *value = find_typed(c, path, 1u << CONFIG_STRING | 1u << CONFIG_CHOICE);

	return value->json ? json_string_value(value->json) : c->keys[value - c->values].default_text;
}

size_t config_list_count(const struct config *c, const char *path)
{
	return json_array_size(find_typed(c, path, 1u << CONFIG_LIST)->json);
}

const char *config_list_at(const struct config *c, const char *path, size_t at)
{
	return json_string_value(json_array_get(find_typed(c, path, 1u << CONFIG_LIST)->json, at));
}

const json_t *config_tree(const struct config *c, const char *path)
{
	return find_typed(c, path, 1u << CONFIG_TREE)->json;
}

bool config_is_set(const struct config *c, const char *path)
{
	size_t at;

	return find(c, path, &at)->json != NULL;
}

const char *config_insecure(const struct config *c, size_t n)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->keys[i].is_insecure && c->values[i].number && n-- == 0)
			return c->keys[i].path;
	return NULL;
}
