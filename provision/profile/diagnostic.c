#include "profile/diagnostic.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

struct diagnostic {
	struct mark mark;
	size_t order;
	char *text;
};

struct diagnostics {
	struct diagnostic *items;
	size_t count;
};

struct diagnostics *diagnostics_new(void)
{
	return mem_alloc(sizeof(struct diagnostics));
}

void diagnostics_free(struct diagnostics *diagnostics)
{
	if (!diagnostics)
		return;
	for (size_t i = 0; i < diagnostics->count; i++)
		free(diagnostics->items[i].text);
	free(diagnostics->items);
	free(diagnostics);
}

void diagnostics_cleanup(struct diagnostics **diagnostics)
{
	diagnostics_free(*diagnostics);
}

void diagnostic_add(struct diagnostics *diagnostics, const struct mark *mark, const char *format,
		    ...)
{
	va_list args;

	va_start(args, format);
	char *text = str_vformat(format, args);
	va_end(args);
	diagnostics->items =
		mem_grow(diagnostics->items, diagnostics->count + 1, sizeof *diagnostics->items);
	diagnostics->items[diagnostics->count] =
		(struct diagnostic){ .mark = *mark, .order = diagnostics->count, .text = text };
	diagnostics->count++;
}

size_t diagnostics_count(const struct diagnostics *diagnostics)
{
	return diagnostics->count;
}

static int by_place(const void *left, const void *right)
{
	const struct diagnostic *a = left, *b = right;
	int files = strcmp(a->mark.file, b->mark.file);

	if (files != 0)
		return files;
	if (a->mark.line != b->mark.line)
		return a->mark.line < b->mark.line ? -1 : 1;
	if (a->mark.column != b->mark.column)
		return a->mark.column < b->mark.column ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static bool at_one_place(const struct diagnostic *a, const struct diagnostic *b)
{
	return str_equal(a->mark.file, b->mark.file) && a->mark.line == b->mark.line &&
	       a->mark.column == b->mark.column;
}

/* A profile that two layers use is wrong once. The items are sorted. */
static bool is_told(const struct diagnostics *diagnostics, size_t index)
{
	const struct diagnostic *item = &diagnostics->items[index];

	for (size_t i = index; i > 0 && at_one_place(item, &diagnostics->items[i - 1]); i--)
		if (str_equal(item->text, diagnostics->items[i - 1].text))
			return true;
	return false;
}

int diagnostics_result(struct diagnostics *diagnostics, const char *path, struct err *err)
{
	CLEANUP(buf_done) struct buf lines = { 0 };
	size_t shown = 0;

	if (diagnostics->count == 0)
		return 0;
	qsort(diagnostics->items, diagnostics->count, sizeof *diagnostics->items, by_place);
	for (size_t i = 0; i < diagnostics->count; i++) {
		const struct diagnostic *item = &diagnostics->items[i];

		if (is_told(diagnostics, i))
			continue;
		buf_format(&lines, "\n%s:%u:%u: %s", item->mark.file, item->mark.line,
			   item->mark.column, item->text);
		shown++;
	}
	return err_set(err, -EINVAL, "%s: %zu error%s:%s", path, shown, shown == 1 ? "" : "s",
		       buf_str(&lines));
}
