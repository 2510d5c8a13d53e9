#include "cmd/schema.h"

#include <stdio.h>

#include "profile/schema.h"

static const struct option_row options[] = {
	{ "reference", 0, NULL, "the reference page (Markdown) instead" },
	{ NULL, 0, NULL, NULL },
};

static int schema_run(const struct arguments *arguments, struct err *err)
{
	(void)err;
	if (argument_given(arguments, "reference")) {
		CLEANUP(buf_done) struct buf text = { 0 };

		schema_reference(&text);
		fputs(buf_str(&text), stdout);
		return 0;
	}
	CLEANUP(free_cleanup) char *schema = schema_json();
	puts(schema);
	return 0;
}

const struct command schema_command = {
	.name = "schema",
	.synopsis = "[--reference]",
	.summary = "Prints the JSON Schema of stack files and profiles, or the reference page",
	.options = options,
	.run = schema_run,
};
