#include "verify/matrix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"

/* The text fields of a row with their JSON keys: one table makes, writes, reads and frees. */
static const struct {
	const char *key;
	size_t offset;
} texts[] = {
	{ "name", offsetof(struct matrix_row, name) },
	{ "path", offsetof(struct matrix_row, path) },
	{ "os", offsetof(struct matrix_row, os) },
	{ "hypervisor", offsetof(struct matrix_row, hypervisor) },
	{ "guest_type", offsetof(struct matrix_row, guest_type) },
	{ "state", offsetof(struct matrix_row, state) },
	{ "address", offsetof(struct matrix_row, address) },
	{ "step", offsetof(struct matrix_row, step) },
	{ "reset_step", offsetof(struct matrix_row, reset_step) },
	{ "reason", offsetof(struct matrix_row, reason) },
	{ "symptom", offsetof(struct matrix_row, symptom) },
	{ "cause", offsetof(struct matrix_row, cause) },
	{ "cure", offsetof(struct matrix_row, cure) },
};

#define TEXTS (sizeof texts / sizeof *texts)

static char **text_at(const struct matrix_row *row, size_t index)
{
	return (char **)((uintptr_t)row + texts[index].offset);
}

struct matrix *matrix_new(const char *stack, const char *accelerator)
{
	struct matrix *matrix = mem_alloc(sizeof *matrix);

	matrix->stack = str_copy(stack);
	matrix->accelerator = str_copy(accelerator);
	return matrix;
}

struct matrix_row *matrix_add(struct matrix *matrix)
{
	matrix->rows = mem_grow(matrix->rows, matrix->row_count + 1, sizeof *matrix->rows);
	struct matrix_row *row = &matrix->rows[matrix->row_count++];

	*row = (struct matrix_row){ .record = str_copy("") };
	for (size_t i = 0; i < TEXTS; i++)
		*text_at(row, i) = str_copy("");
	return row;
}

void matrix_free(struct matrix *matrix)
{
	if (!matrix)
		return;
	for (size_t i = 0; i < matrix->row_count; i++) {
		for (size_t j = 0; j < TEXTS; j++)
			free(*text_at(&matrix->rows[i], j));
		strv_done(&matrix->rows[i].console);
		strv_done(&matrix->rows[i].reset_console);
		free(matrix->rows[i].record);
	}
	free(matrix->rows);
	free(matrix->stack);
	free(matrix->accelerator);
	free(matrix);
}

void matrix_cleanup(struct matrix **matrix)
{
	matrix_free(*matrix);
}

bool matrix_all_proven(const struct matrix *matrix)
{
	for (size_t i = 0; i < matrix->row_count; i++)
		if (!matrix->rows[i].proven)
			return false;
	return matrix->row_count > 0;
}

/* --- the table ------------------------------------------------------------------------------- */

#define COLUMNS 9

static const char *const headings[COLUMNS] = { "level",	     "name",	   "OS",
					       "hypervisor", "guest type", "booted",
					       "network",    "proven",	   "seconds" };

static void cells_fill(const struct matrix_row *row, char *cells[COLUMNS])
{
	bool known = row->booted || row->proven || str_equal(row->state, "failed");

	cells[0] = str_format("L%u", row->level);
	cells[1] = str_copy(row->name);
	cells[2] = str_copy(*row->os ? row->os : "-");
	cells[3] = str_copy(*row->hypervisor ? row->hypervisor : "-");
	cells[4] = str_copy(*row->guest_type ? row->guest_type : "-");
	cells[5] = str_copy(row->booted ? "yes" : "no");
	cells[6] = str_copy(row->network ? "yes" : "no");
	cells[7] = str_copy(row->proven ? "yes" : "no");
	cells[8] = known ? str_format("%.1f", row->seconds) : str_copy("-");
}

/* The last column is a number: to the right; the others to the left. */
static void line_print(FILE *out, const size_t widths[COLUMNS], const char *const cells[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS - 1; i++)
		fprintf(out, "%-*s  ", (int)widths[i], cells[i]);
	fprintf(out, "%*s\n", (int)widths[COLUMNS - 1], cells[COLUMNS - 1]);
}

static void table_print(const struct matrix *matrix, FILE *out)
{
	char *(*cells)[COLUMNS] = mem_alloc(sizeof *cells * (matrix->row_count + 1));
	size_t widths[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++)
		widths[i] = strlen(headings[i]);
	for (size_t row = 0; row < matrix->row_count; row++) {
		cells_fill(&matrix->rows[row], cells[row]);
		for (size_t i = 0; i < COLUMNS; i++)
			if (strlen(cells[row][i]) > widths[i])
				widths[i] = strlen(cells[row][i]);
	}
	line_print(out, widths, headings);
	for (size_t row = 0; row < matrix->row_count; row++) {
		line_print(out, widths, (const char *const *)cells[row]);
		for (size_t i = 0; i < COLUMNS; i++)
			free(cells[row][i]);
	}
	free(cells);
}

static void lines_print(const struct strv *lines, FILE *out)
{
	if (lines->count)
		fputs("  the last lines of its console:\n", out);
	for (size_t i = 0; i < lines->count; i++)
		fprintf(out, "    | %s\n", lines->items[i]);
}

static void failure_print(const struct matrix_row *row, FILE *out)
{
	fprintf(out, "\nL%u %s: %s", row->level, row->name, row->state);
	if (*row->step)
		fprintf(out, ", %s", row->step);
	fputc('\n', out);
	if (*row->reason)
		fprintf(out, "  reason   %s\n", row->reason);
	if (*row->cause)
		fprintf(out, "  symptom  %s\n  cause    %s\n  cure     %s\n", row->symptom,
			row->cause, row->cure);
	lines_print(&row->console, out);
}

/* It may have come up well afterwards: something is wrong all the same. */
static void reset_print(const struct matrix_row *row, FILE *out)
{
	fprintf(out, "\nL%u %s: reset itself ", row->level, row->name);
	if (row->resets > 1)
		fprintf(out, "%u times, last ", row->resets);
	fprintf(out, "%s, and started again\n", row->reset_step);
	lines_print(&row->reset_console, out);
}

void matrix_print(const struct matrix *matrix, FILE *out)
{
	table_print(matrix, out);
	for (size_t i = 0; i < matrix->row_count; i++)
		if (matrix->rows[i].resets > 0)
			reset_print(&matrix->rows[i], out);
	for (size_t i = 0; i < matrix->row_count; i++)
		if (!str_equal(matrix->rows[i].state, "proven"))
			failure_print(&matrix->rows[i], out);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static json_t *lines_json(const struct strv *lines)
{
	json_t *array = json_array();

	for (size_t i = 0; i < lines->count; i++)
		json_array_append_new(array, json_text(lines->items[i]));
	return array;
}

static json_t *row_json(const struct matrix_row *row)
{
	json_t *object = json_object();

	json_object_set_new(object, "level", json_integer(row->level));
	for (size_t i = 0; i < TEXTS; i++)
		json_object_set_new(object, texts[i].key, json_text(*text_at(row, i)));
	json_object_set_new(object, "booted", json_boolean(row->booted));
	json_object_set_new(object, "network", json_boolean(row->network));
	json_object_set_new(object, "proven", json_boolean(row->proven));
	json_object_set_new(object, "resets", json_integer(row->resets));
	json_object_set_new(object, "seconds", json_real(row->seconds));
	json_object_set_new(object, "console", lines_json(&row->console));
	json_object_set_new(object, "reset_console", lines_json(&row->reset_console));
	json_t *record = json_loads(row->record, 0, NULL);
	json_object_set_new(object, "record", record ? record : json_null());
	return object;
}

char *matrix_json_text(const struct matrix *matrix, bool pretty)
{
	json_t *root = json_object();
	json_t *levels = json_array();

	json_object_set_new(root, "stack", json_text(matrix->stack));
	json_object_set_new(root, "accelerator", json_text(matrix->accelerator));
	json_object_set_new(root, "proven", json_boolean(matrix_all_proven(matrix)));
	json_object_set_new(root, "seconds", json_real(matrix->seconds));
	for (size_t i = 0; i < matrix->row_count; i++)
		json_array_append_new(levels, row_json(&matrix->rows[i]));
	json_object_set_new(root, "levels", levels);
	char *text =
		json_dumps(root, (pretty ? JSON_INDENT(2) : JSON_COMPACT) | JSON_REAL_PRECISION(6));
	json_decref(root);
	char *copy = str_copy(text ? text : "{}");
	free(text);
	return copy;
}

int matrix_json(const struct matrix *matrix, const char *path, struct err *err)
{
	CLEANUP(free_cleanup) char *text = matrix_json_text(matrix, true);
	CLEANUP(free_cleanup) char *line = str_format("%s\n", text);

	return file_write_out(path, line, strlen(line), 0644, err);
}

static void text_set(char **text, const json_t *value)
{
	const char *found = json_string_value(value);

	free(*text);
	*text = str_copy(found ? found : "");
}

static void lines_read(struct strv *lines, const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *line = json_string_value(json_array_get(array, i));

		strv_add(lines, line ? line : "");
	}
}

static void row_read(struct matrix_row *row, const json_t *object)
{
	const json_t *record = json_object_get(object, "record");

	row->level = (unsigned)json_integer_value(json_object_get(object, "level"));
	for (size_t i = 0; i < TEXTS; i++)
		text_set(text_at(row, i), json_object_get(object, texts[i].key));
	row->booted = json_is_true(json_object_get(object, "booted"));
	row->network = json_is_true(json_object_get(object, "network"));
	row->proven = json_is_true(json_object_get(object, "proven"));
	row->resets = (unsigned)json_integer_value(json_object_get(object, "resets"));
	row->seconds = json_number_value(json_object_get(object, "seconds"));
	lines_read(&row->console, json_object_get(object, "console"));
	lines_read(&row->reset_console, json_object_get(object, "reset_console"));
	if (json_is_object(record)) {
		char *text = json_dumps(record, JSON_COMPACT);

		free(row->record);
		row->record = str_copy(text ? text : "");
		free(text);
	}
}

int matrix_from_json(const char *text, struct matrix **ret_matrix, struct err *err)
{
	json_error_t problem;
	json_t *root = json_loads(text, 0, &problem);
	const json_t *levels = json_object_get(root, "levels");

	if (!json_is_array(levels)) {
		json_decref(root);
		return err_set(err, -EBADMSG, "a matrix cannot be read: %s",
			       root ? "no levels" : problem.text);
	}
	struct matrix *matrix = matrix_new("", "");
	text_set(&matrix->stack, json_object_get(root, "stack"));
	text_set(&matrix->accelerator, json_object_get(root, "accelerator"));
	matrix->seconds = json_number_value(json_object_get(root, "seconds"));
	for (size_t i = 0; i < json_array_size(levels); i++)
		row_read(matrix_add(matrix), json_array_get(levels, i));
	json_decref(root);
	*ret_matrix = matrix;
	return 0;
}
