#include "pxe/lab_schema.h"

#include "profile/schema.h"
#include "pxe/lab_keys.h"

char *lab_schema_json(void)
{
	return schema_json_of("nestctl lab file", lab_keys);
}

void lab_reference(struct buf *text)
{
	buf_text(
		text,
		"# Lab reference\n\n"
		"Written by `nestctl schema --lab --reference` from the table that parses lab files.\n"
		"What a lab file is for, with an example: [pxe.md](pxe.md). Paths are relative to the\n"
		"lab file, sizes are written in KiB, MiB, GiB or TiB.\n\n## The lab\n\n");
	schema_table(lab_keys, text);
	buf_text(text, "\n## Machines (`machines`)\n\n"
		       "Each has one of `mac`, `uuid` and `any`.\n\n");
	schema_table(machine_keys, text);
}
