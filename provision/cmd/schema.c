#include "cmd/schema.h"

#include <stdio.h>

#include "profile/schema.h"
#include "pxe/lab_schema.h"

static const struct option_row options[] = {
	{ "lab", 0, NULL, "of lab files, in the place of stack files and profiles" },
	{ "reference", 0, NULL, "the reference page (Markdown) instead" },
	{ NULL, 0, NULL, NULL },
};

static int schema_run(const struct arguments *arguments, struct err *err)
{
	bool lab = argument_given(arguments, "lab");

	(void)err;
	if (argument_given(arguments, "reference")) {
		CLEANUP(buf_done) struct buf text = { 0 };

		(lab ? lab_reference : schema_reference)(&text);
		fputs(buf_str(&text), stdout);
		return 0;
	}
	CLEANUP(free_cleanup) char *schema = lab ? lab_schema_json() : schema_json();
	puts(schema);
	return 0;
}

const struct command schema_command = {
	.name = "schema",
	.synopsis = "[--lab] [--reference]",
	.summary = "Prints the JSON Schema of stack files and profiles, or the reference page",
	.options = options,
	.run = schema_run,
};
