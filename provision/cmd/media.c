#include "cmd/media.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/operation.h"
#include "media/medium.h"

static const struct option_row options[] = {
	{ "output", 'o', "FILE", "extract: where the file goes (needed)" },
	{ "json", 0, NULL, "inspect: one JSON object on standard output" },
	{ NULL, 0, NULL, NULL },
};

static json_t *text_json(const char *text)
{
	json_t *value = *text ? json_string(text) : NULL;

	return value ? value : json_null(); /* also for what is no UTF-8 */
}

static int print_json(const struct medium *medium, struct err *err)
{
	json_t *all = json_pack(
		"{s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "path", text_json(medium->path), "family",
		os_family_name(medium->family), "product", text_json(medium->product), "version",
		text_json(medium->version), "label", text_json(medium->label), "kernel",
		text_json(medium->kernel), "initrd", text_json(medium->initrd));
	int failed = !all || json_dumpf(all, stdout, JSON_INDENT(2)) < 0;

	json_decref(all);
	putchar('\n');
	return failed ? err_set(err, -EIO, "%s: the JSON cannot be written", medium->path) : 0;
}

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

static int run_inspect(const struct arguments *arguments, struct err *err)
{
	CLEANUP(medium_cleanup) struct medium *medium = NULL;
	int r = medium_open(arguments->rest[1], &medium, err);

	if (r < 0)
		return r;
	if (argument_given(arguments, "json"))
		return print_json(medium, err);
	printf("%s: %s %s\n  family  %s\n  label   %s\n  kernel  %s\n  initrd  %s\n", medium->path,
	       medium->product, or_dash(medium->version), os_family_name(medium->family),
	       or_dash(medium->label), medium->kernel, or_dash(medium->initrd));
	return 0;
}

static int run_extract(const struct arguments *arguments, struct err *err)
{
	CLEANUP(medium_cleanup) struct medium *medium = NULL;
	const char *output = argument(arguments, "output");

	if (!output || !*output)
		return err_set(err, -EINVAL,
			       "media extract: --output is missing: say where %s "
			       "goes",
			       arguments->rest[2]);
	int r = medium_open(arguments->rest[1], &medium, err);
	return r < 0 ? r : medium_extract(medium, arguments->rest[2], output, err);
}

static const struct operation operations[] = {
	{ "inspect", "inspect MEDIUM [--json]", 1, 1, run_inspect },
	{ "extract", "extract MEDIUM NAME --output FILE", 2, 2, run_extract },
	{ 0 },
};

static int media_run(const struct arguments *arguments, struct err *err)
{
	return operation_run("media", operations, arguments, err);
}

const struct command media_command = {
	.name = "media",
	.synopsis = "inspect|extract MEDIUM ... [--output FILE] [--json]",
	.summary = "Tells what an installation medium is, and takes files out of it",
	.options = options,
	.min_rest = 2,
	.max_rest = 3,
	.run = media_run,
};
