#include "fix/show.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "grubfix/report.h"

/* Each line of the text with a mark in front. */
static void print_marked(const char *text, const char *mark)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		printf("%s%.*s\n", mark, (int)length, text);
		text += length + (text[length] == '\n');
	}
}

static char *file_diff(const struct fix_file *file)
{
	return grubfix_diff(file->path, file->text, file->length, file->result.text,
			    file->result.length);
}

void show_text(const struct repair *repair, bool dry_run)
{
	for (size_t i = 0; i < repair->files.count; i++) {
		const struct fix_file *file = &repair->files.items[i];
		CLEANUP(buf_done) struct buf report = { 0 };
		CLEANUP(free_cleanup) char *diff = dry_run ? file_diff(file) : NULL;

		report_text(file->path, &file->result, true, &report);
		print_marked(buf_str(&report), dry_run ? "# " : "");
		if (diff)
			fputs(diff, stdout);
		else if (file->changed && file->is_new)
			printf("%s: made\n", file->path);
		else if (file->changed)
			printf("%s: changed, as it was: %s" TARGET_BACKUP_SUFFIX "\n", file->path,
			       file->real);
	}
	for (size_t i = 0; i < repair->remarks.count; i++)
		printf("%s%s\n", dry_run ? "# " : "", repair->remarks.items[i]);
	if (repair_changed(repair) == 0)
		printf("%s%s: nothing to change\n", dry_run ? "# " : "",
		       target_name(repair->target));
}

/* --- JSON ------------------------------------------------------------------------------------- */

/* Bytes that are no UTF-8 become a question mark each. */
static json_t *text_json(const char *text)
{
	json_t *value = text ? json_string(text) : json_null();

	if (value)
		return value;
	CLEANUP(free_cleanup) char *copy = str_copy(text);
	for (char *byte = copy; *byte; byte++)
		if ((unsigned char)*byte >= 0x80)
			*byte = '?';
	return json_string(copy);
}

static json_t *finding_json(const struct grubfix_finding *finding)
{
	return json_pack("{s:s, s:I, s:b, s:o, s:o, s:o}", "rule", finding->rule, "line",
			 (json_int_t)finding->line, "edit", finding->edit, "before",
			 text_json(finding->before), "after", text_json(finding->after), "reason",
			 text_json(finding->reason));
}

static json_t *file_json(const struct fix_file *file, bool dry_run)
{
	CLEANUP(free_cleanup) char *diff = file_diff(file);
	CLEANUP(free_cleanup)
	char *backup = file->changed && !file->is_new
			       ? str_format("%s" TARGET_BACKUP_SUFFIX, file->real)
			       : NULL;
	json_t *findings = json_array();

	for (size_t i = 0; i < file->result.finding_count; i++)
		json_array_append_new(findings, finding_json(&file->result.findings[i]));
	return json_pack("{s:o, s:s, s:b, s:b, s:o, s:o, s:o}", "path", text_json(file->path),
			 "type", grubfix_type_name(file->type), "changed", file->changed, "written",
			 file->changed && !dry_run, "backup", text_json(backup), "findings",
			 findings, "diff", text_json(diff));
}

int show_json(const struct repair *repair, bool dry_run, struct err *err)
{
	json_t *files = json_array(), *remarks = json_array();

	for (size_t i = 0; i < repair->files.count; i++)
		json_array_append_new(files, file_json(&repair->files.items[i], dry_run));
	for (size_t i = 0; i < repair->remarks.count; i++)
		json_array_append_new(remarks, text_json(repair->remarks.items[i]));
	json_t *all =
		json_pack("{s:o, s:b, s:I, s:o, s:o}", "target",
			  text_json(target_name(repair->target)), "dry_run", dry_run, "changed",
			  (json_int_t)repair_changed(repair), "files", files, "remarks", remarks);
	int failed = !all || json_dumpf(all, stdout, JSON_INDENT(2)) < 0;

	json_decref(all);
	putchar('\n');
	return failed ? err_set(err, -EIO, "the JSON cannot be written") : 0;
}
