/* yaml.h: YAML 1.2 for what people write, cloister.yaml and job files, by libyaml into jansson's values.
 *
 * One document of mappings, lists and scalars; no anchors, aliases, tags, directives or merge keys, no key twice,
 * within limits.h: YAML_*. A plain scalar is null (null, ~, empty), true, false, a decimal number without leading
 * zeros, or text: "no", "0777" and "1_000" are text. Quoted scalars are text. */
#pragma once
#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"

/* Reads a document; one that is empty gives null. `ret_lines` (may be NULL) maps each value's path ("listen.port",
 * "endpoints[2].url") to its line, for yaml_line(). ERR_INVALID or ERR_LIMIT with the line. */
MUST_USE int yaml_read(struct slice text, json_t **ret_value, json_t **ret_lines, struct why *reterr_why);

/* The line of a path, or that of the nearest value around it; 0 if `lines` is NULL. */
unsigned yaml_line(const json_t *lines, const char *path);
