/* Unified diffs. Common lines at both ends are set aside; what is between is compared by a table
 * of longest common subsequences, which is bounded: beyond that one hunk replaces all. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "grubfix.h"

#define CONTEXT	      3
#define TABLE_ENTRIES ((size_t)4 << 20)

struct span {
	const char *data;
	size_t length;
};

struct side {
	struct span *lines;
	size_t count;
};

enum step { KEEP, DROP, ADD };

struct script {
	enum step *steps;
	size_t count;
};

static void side_split(const char *text, size_t length, struct side *ret_side)
{
	size_t room = 0;

	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t line = end ? (size_t)(end + 1 - text) : length;

		if (ret_side->count == room) {
			room = room ? 2 * room : 64;
			ret_side->lines = mem_grow(ret_side->lines, room, sizeof *ret_side->lines);
		}
		ret_side->lines[ret_side->count++] = (struct span){ text, line };
		text += line;
		length -= line;
	}
}

static bool same(const struct span *a, const struct span *b)
{
	return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

static void step_add(struct script *script, enum step step)
{
	script->steps[script->count++] = step;
}

/* The length of the longest common part of the lines from a + i and from b + j on is entry
 * i * (b_count + 1) + j. NULL: the table would be too large. The caller frees. */
static uint32_t *lengths_make(const struct span *a, size_t a_count, const struct span *b,
			      size_t b_count)
{
	size_t width = b_count + 1;

	if (a_count + 1 > TABLE_ENTRIES / width)
		return NULL;
	uint32_t *lengths = mem_alloc((a_count + 1) * width * sizeof *lengths);
	for (size_t i = a_count; i-- > 0;)
		for (size_t j = b_count; j-- > 0;) {
			uint32_t down = lengths[(i + 1) * width + j];
			uint32_t right = lengths[i * width + j + 1];

			lengths[i * width + j] = same(a + i, b + j)
							 ? lengths[(i + 1) * width + j + 1] + 1
						 : down > right ? down
								: right;
		}
	return lengths;
}

/* The middle parts, where the sides differ. */
static void middle(const struct span *a, size_t a_count, const struct span *b, size_t b_count,
		   struct script *script)
{
	CLEANUP(free_cleanup) uint32_t *lengths = lengths_make(a, a_count, b, b_count);
	size_t i = 0, j = 0, width = b_count + 1;

	while (lengths && i < a_count && j < b_count) {
		if (same(a + i, b + j)) {
			step_add(script, KEEP);
			i++, j++;
		} else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) {
			step_add(script, DROP);
			i++;
		} else {
			step_add(script, ADD);
			j++;
		}
	}
	for (; i < a_count; i++)
		step_add(script, DROP);
	for (; j < b_count; j++)
		step_add(script, ADD);
}

static void compare(const struct side *a, const struct side *b, struct script *script)
{
	size_t head = 0, tail = 0;

	script->steps = mem_grow(NULL, a->count + b->count, sizeof *script->steps);
	while (head < a->count && head < b->count && same(a->lines + head, b->lines + head))
		head++;
	while (tail < a->count - head && tail < b->count - head &&
	       same(a->lines + a->count - 1 - tail, b->lines + b->count - 1 - tail))
		tail++;
	for (size_t i = 0; i < head; i++)
		step_add(script, KEEP);
	middle(a->lines + head, a->count - head - tail, b->lines + head, b->count - head - tail,
	       script);
	for (size_t i = 0; i < tail; i++)
		step_add(script, KEEP);
}

static void line_print(struct buf *out, char sign, const struct span *line)
{
	buf_add(out, &sign, 1);
	buf_add(out, line->data, line->length);
	if (line->length == 0 || line->data[line->length - 1] != '\n')
		buf_text(out, "\n\\ No newline at end of file\n");
}

/* A hunk from step first to step end, which begins at lines a and b. */
static void hunk_print(struct buf *out, const struct side *left, const struct side *right,
		       const struct script *script, size_t first, size_t end, size_t a, size_t b)
{
	size_t a_count = 0, b_count = 0;

	for (size_t i = first; i < end; i++) {
		a_count += script->steps[i] != ADD;
		b_count += script->steps[i] != DROP;
	}
	buf_format(out, "@@ -%zu,%zu +%zu,%zu @@\n", a_count ? a + 1 : a, a_count,
		   b_count ? b + 1 : b, b_count);
	for (size_t i = first; i < end; i++) {
		if (script->steps[i] == ADD)
			line_print(out, '+', right->lines + b);
		else
			line_print(out, script->steps[i] == DROP ? '-' : ' ', left->lines + a);
		a += script->steps[i] != ADD;
		b += script->steps[i] != DROP;
	}
}

/* Where a hunk that begins with a change at step i ends: after 2 * CONTEXT kept lines in a row. */
static size_t hunk_end(const struct script *script, size_t i)
{
	size_t kept = 0;

	for (; i < script->count; i++) {
		kept = script->steps[i] == KEEP ? kept + 1 : 0;
		if (kept > 2 * CONTEXT)
			return i + 1 - kept + CONTEXT;
	}
	return kept > CONTEXT ? i - kept + CONTEXT : i;
}

static void hunks_print(struct buf *out, const struct side *left, const struct side *right,
			const struct script *script)
{
	size_t a = 0, b = 0;

	for (size_t i = 0; i < script->count;) {
		if (script->steps[i] == KEEP) {
			i++, a++, b++;
			continue;
		}
		/* What lies before is kept, and at most CONTEXT of it is free. */
		size_t back = 0;
		while (back < CONTEXT && back < i && script->steps[i - 1 - back] == KEEP)
			back++;
		size_t end = hunk_end(script, i);
		hunk_print(out, left, right, script, i - back, end, a - back, b - back);
		for (; i < end; i++) {
			a += script->steps[i] != ADD;
			b += script->steps[i] != DROP;
		}
	}
}

char *grubfix_diff(const char *name, const char *old_text, size_t old_length, const char *new_text,
		   size_t new_length)
{
	struct side left = { 0 }, right = { 0 };
	struct script script = { 0 };
	struct buf out = { 0 };
	const char *slash = *name == '/' ? "" : "/";

	buf_text(&out, "");
	side_split(old_text, old_length, &left);
	side_split(new_text, new_length, &right);
	compare(&left, &right, &script);
	if (old_length != new_length || memcmp(old_text, new_text, old_length) != 0) {
		buf_format(&out, "--- a%s%s\n+++ b%s%s\n", slash, name, slash, name);
		hunks_print(&out, &left, &right, &script);
	}
	free(left.lines);
	free(right.lines);
	free(script.steps);
	return out.data;
}
