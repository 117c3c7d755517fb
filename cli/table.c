#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print.h"

enum { ROWS_MAX = 1000000, GAP = 2, FLEXIBLE_MIN = 8, TABLE_BYTES_MAX = 512 << 20 };

struct table {
	const struct table_column *columns;
	size_t column_count, row_count, room;
	char **cells; /* row after row */
};

int table_new(const struct table_column *columns, struct table **ret_table, struct why *reterr_why)
{
	struct table *t = calloc(1, sizeof *t);

	ENSURE(t, ERR_UNAVAILABLE, reterr_why, "out of memory for a table");
	t->columns = columns;
	while (t->column_count < TABLE_COLUMNS_MAX && columns[t->column_count].field)
		t->column_count++;
	*ret_table = t;
	return ERR_OK;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->row_count * t->column_count; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

void table_freep(struct table **t)
{
	table_free(*t);
	*t = NULL;
}

size_t table_rows(const struct table *t)
{
	return t->row_count;
}

static int make_room(struct table *t, struct why *reterr_why)
{
	size_t room = t->room ? 2 * t->room : 16;
	char **cells;

	if (t->row_count < t->room)
		return ERR_OK;
	ENSURE(room <= 2 * ROWS_MAX, ERR_LIMIT, reterr_why, "more than a million rows; ask for fewer");
	cells = reallocarray(t->cells, room * t->column_count, sizeof *cells);
	ENSURE(cells, ERR_UNAVAILABLE, reterr_why, "out of memory for a table");
	t->cells = cells;
	t->room = room;
	return ERR_OK;
}

int table_add(struct table *t, const struct slice *cells, struct why *reterr_why)
{
	char **row;

	TRY(make_room(t, reterr_why));
	row = t->cells + t->row_count * t->column_count;
	for (size_t i = 0; i < t->column_count; i++) {
		int err = slice_dup_str(cells[i], &row[i], reterr_why);

		while (err != ERR_OK && i > 0)
			free(row[--i]);
		TRY(err);
	}
	t->row_count++;
	return ERR_OK;
}

static const char *cell(const struct table *t, size_t row, size_t column)
{
	return t->cells[row * t->column_count + column];
}

/* Each column as wide as its widest cell; what is too much is taken from the flexible ones. */
static void choose_widths(const struct table *t, const struct terminal *to, size_t widths[static TABLE_COLUMNS_MAX])
{
	size_t total = 0;

	for (size_t c = 0; c < t->column_count; c++) {
		widths[c] = terminal_columns(t->columns[c].title);
		for (size_t r = 0; r < t->row_count; r++) {
			size_t wide = terminal_columns(cell(t, r, c));

			widths[c] = wide > widths[c] ? wide : widths[c];
		}
		total += widths[c] + (c ? GAP : 0);
	}
	for (size_t c = 0; to->is_terminal && c < t->column_count && total > to->width; c++) {
		size_t over = total - to->width;
		size_t spare = widths[c] > FLEXIBLE_MIN ? widths[c] - FLEXIBLE_MIN : 0;
		size_t cut = over < spare ? over : spare;

		if (!t->columns[c].is_flexible)
			continue;
		widths[c] -= cut;
		total -= cut;
	}
}

static int put_cell(const struct table_column *column, const char *text, size_t width, bool is_last, struct buf *into,
                    struct why *reterr_why)
{
	size_t columns = terminal_columns(text);
	bool is_cut = columns > width;
	size_t bytes = is_cut ? terminal_fit(text, width - 1) : strlen(text);
	size_t pad = is_cut ? 0 : width - columns;

	if (column->is_number)
		TRY(buf_put_fmt(into, reterr_why, "%*s", (int)pad, ""));
	for (size_t i = 0; i < bytes; i++) {
		bool is_control = (unsigned char)text[i] < 0x20 || text[i] == 0x7f;

		TRY(buf_put_u8(into, is_control ? '?' : (uint8_t)text[i], reterr_why));
	}
	if (is_cut)
		TRY(buf_put_str(into, "…", reterr_why));
	return !column->is_number && !is_last ? buf_put_fmt(into, reterr_why, "%*s", (int)pad, "") : ERR_OK;
}

static int put_row(const struct table *t, size_t row, bool is_title, const size_t *widths, struct buf *into,
                   struct why *reterr_why)
{
	for (size_t c = 0; c < t->column_count; c++) {
		const char *text = is_title ? t->columns[c].title : cell(t, row, c);

		if (c)
			TRY(buf_put_fmt(into, reterr_why, "%*s", GAP, ""));
		TRY(put_cell(&t->columns[c], text, widths[c], c + 1 == t->column_count, into, reterr_why));
	}
	return buf_put_u8(into, '\n', reterr_why);
}

int table_print(const struct table *t, const struct terminal *to, struct buf *into, struct why *reterr_why)
{
	size_t widths[TABLE_COLUMNS_MAX];

	choose_widths(t, to, widths);
	TRY(put_row(t, 0, true, widths, into, reterr_why));
	for (size_t r = 0; r < t->row_count; r++)
		TRY(put_row(t, r, false, widths, into, reterr_why));
	return ERR_OK;
}

static int row_json(const struct table *t, size_t row, json_t **ret_json, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *json = json_object();
	uint64_t number;

	ENSURE(json, ERR_UNAVAILABLE, reterr_why, "out of memory");
	for (size_t c = 0; c < t->column_count; c++) {
		struct slice text = slice_str(cell(t, row, c));

		if (t->columns[c].is_number && slice_to_u64(text, INT64_MAX, &number, NULL) == ERR_OK)
			TRY(json_set_int(json, t->columns[c].field, (int64_t)number, reterr_why));
		else
			TRY(json_set_str(json, t->columns[c].field, text, reterr_why));
	}
	*ret_json = take_ptr(json);
	return ERR_OK;
}

static int show_json(const struct table *t, const char *name, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *json = json_object();
	json_t *list = json_array(), *row;

	ENSURE(json && list && json_object_set_new(json, name, list) == 0, ERR_UNAVAILABLE, reterr_why,
	       "out of memory");
	for (size_t r = 0; r < t->row_count; r++) {
		TRY(row_json(t, r, &row, reterr_why));
		ENSURE(json_array_append_new(list, row) == 0, ERR_UNAVAILABLE, reterr_why, "out of memory");
	}
	return print_json(json, reterr_why);
}

int table_show(const struct table *t, const char *name, bool is_json, const struct terminal *to, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *text = NULL;

	if (is_json)
		return show_json(t, name, reterr_why);
	TRY(buf_new(TABLE_BYTES_MAX, &text, reterr_why));
	TRY(table_print(t, to, text, reterr_why));
	fwrite(buf_slice(text).ptr, 1, buf_len(text), stdout);
	return ERR_OK;
}

int table_show_one(const struct table *t, bool is_json, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *json = NULL;
	size_t width = 0;

	if (is_json) {
		TRY(row_json(t, 0, &json, reterr_why));
		return print_json(json, reterr_why);
	}
	for (size_t c = 0; c < t->column_count; c++)
		width = terminal_columns(t->columns[c].title) > width ? terminal_columns(t->columns[c].title) : width;
	for (size_t c = 0; c < t->column_count; c++) {
		terminal_clean(t->cells[c]);
		printf("%-*s  %s\n", (int)width, t->columns[c].title, cell(t, 0, c));
	}
	return ERR_OK;
}
