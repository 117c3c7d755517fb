/* config.h: reading a configuration by a table: what may be in it, of what kind, in what range, with what default.
 *
 * The table is the caller's; nothing here knows any key. A key that the table does not have, a value of another kind or
 * out of range is an error that names the line, the key, and what was expected. A key whose last part begins with
 * "insecure_" weakens something: it is a boolean, false by default, and config_insecure() lists those that are on. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum config_type {
	CONFIG_BOOL,
	CONFIG_INT,    /* min to max */
	CONFIG_STRING, /* min to max bytes */
	CONFIG_CHOICE, /* one of `choices` */
	CONFIG_BYTES,  /* a number, or text with KiB, MiB, GiB or TiB: "64MiB"; min to max bytes */
	CONFIG_MS,     /* text with ms, s, m, h or d: "90s"; min to max milliseconds */
	CONFIG_LIST,   /* a list of min to max strings */
	CONFIG_TREE,   /* anything: checked by whoever asks for it */
};

struct config_key {
	const char *path; /* "front.listen" */
	enum config_type type;
	int64_t min, max;
	const char *const *choices; /* NULL ends them */
	bool is_required, is_insecure;
	int64_t default_number;   /* CONFIG_BOOL, CONFIG_INT, CONFIG_BYTES, CONFIG_MS */
	const char *default_text; /* CONFIG_STRING, CONFIG_CHOICE; may be NULL */
};

struct config;

/* Reads `tree` (an object, or null for an empty file). `prefix` ("" at the top) is put before paths in sentences and in
 * look-ups of `lines`, as yaml_read() gives them (may be NULL). The table must outlive the result.
 *
 * ERR_INVALID as above; ERR_INTERNAL for a table that contradicts itself. */
MUST_USE int config_read(const json_t *tree, const json_t *lines, const char *prefix, const struct config_key *keys,
                         size_t count, struct config **ret_config, struct why *reterr_why);
void config_free(struct config *c);
void config_freep(struct config **c);

/* Values, by a path that the table has with that type; another one ends the program, since only a defect of ours asks
 * for it. Borrowed until config_free(). config_number() is for CONFIG_INT, CONFIG_BYTES and CONFIG_MS. */
bool config_bool(const struct config *c, const char *path);
int64_t config_number(const struct config *c, const char *path);
const char *config_string(const struct config *c, const char *path); /* CONFIG_CHOICE too; NULL: not set, no default */
size_t config_list_count(const struct config *c, const char *path);
const char *config_list_at(const struct config *c, const char *path, size_t at);
const json_t *config_tree(const struct config *c, const char *path); /* NULL if it is not there */

/* Was it written down, rather than defaulted? */
bool config_is_set(const struct config *c, const char *path);

/* The n-th insecure switch that is on, NULL past the last. Borrowed from the table. */
const char *config_insecure(const struct config *c, size_t n);
