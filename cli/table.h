/* table.h: rows of text for people, fitted to the terminal; the same rows as JSON for programs.
 *
 * Fields have names (those of --json) and titles. Cells are copied. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "cli/terminal.h"

#define TABLE_COLUMNS_MAX 10

struct table_column {
	const char *field; /* in JSON */
	const char *title;
	bool is_number;   /* to the right, and a number in JSON */
	bool is_flexible; /* gives way where the terminal is narrow */
};

struct table;

/* Columns are borrowed; the last has no field. */
MUST_USE int table_new(const struct table_column *columns, struct table **ret_table, struct why *reterr_why);
void table_free(struct table *t);
void table_freep(struct table **t);

/* Adds a row of as many cells as there are columns. ERR_LIMIT over a million rows. */
MUST_USE int table_add(struct table *t, const struct slice *cells, struct why *reterr_why);
size_t table_rows(const struct table *t);

/* Pure: the whole text. Off a terminal nothing is cut. Control characters become '?'. */
MUST_USE int table_print(const struct table *t, const struct terminal *to, struct buf *into, struct why *reterr_why);

/* To standard output: a table, or, for JSON, {"<name>":[{…}]}. */
MUST_USE int table_show(const struct table *t, const char *name, bool is_json, const struct terminal *to,
                        struct why *reterr_why);

/* The same for one thing: its first row, a field a line, or {…}. */
MUST_USE int table_show_one(const struct table *t, bool is_json, struct why *reterr_why);
