/* What must hold for any bytes in any of grubfix's syntaxes: parsing and emitting gives the same
 * bytes, and what was repaired once needs no second repair. The first byte chooses the syntax, the
 * second the facts. Built with libFuzzer, or with driver.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grubfix/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what, const char *text)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", what, text ? text : "");
	abort();
}

static void round_trip(enum grubfix_type type, const char *text, size_t length)
{
	CLEANUP(doc_done) struct doc doc = { 0 };
	CLEANUP(buf_done) struct buf out = { 0 };

	doc_parse(&doc, "fuzz", type, text, length);
	doc_emit(&doc, &out);
	must(out.length == length && (length == 0 || memcmp(out.data, text, length) == 0),
	     "the round trip changes it", NULL);
}

static bool exists(void *context, const char *path)
{
	(void)context;
	return strlen(path) % 3 != 0;
}

static struct grubfix_facts facts_of(unsigned choice)
{
	static const struct grubfix_filesystem filesystems[] = {
		{ .partition = 1, .uuid = "0b7f7c56-6d2e-4a58-8a34-90c9ab4be0f1", .type = "swap",
		  .is_swap = true, .label = "swap" },
		{ .partition = 2, .uuid = "6f9b1c2e-0d5b-4a51-9f43-2f6c1c7e8a10", .type = "ext3",
		  .is_root = true, .label = "root", .mount_point = "/" },
	};
	static const char *const xen_args[] = { "loglvl=all", NULL };
	static const enum grubfix_type targets[] = { GRUBFIX_UNKNOWN, GRUBFIX_XL, GRUBFIX_XM,
						     GRUBFIX_UNKNOWN };

	return (struct grubfix_facts){
		.filesystems = filesystems,
		.filesystem_count = 2,
		.file_exists = choice & 1 ? exists : NULL,
		.style = choice & 2 ? GRUBFIX_LABEL : GRUBFIX_UUID,
		.adopt_root = choice & 4,
		.disk = "/dev/sda",
		.xen_default = choice & 8,
		.default_entry = "xen",
		.console = choice & 16,
		.dom0_mem = choice & 32 ? "1024M" : NULL,
		.xen_args = choice & 32 ? xen_args : NULL,
		.guest = { .nested = choice & 64,
			   .tsc_mode = choice & 64 ? "native" : NULL,
			   .hdtype = choice & 32 ? "ahci" : NULL,
			   .serial = choice & 16 ? "pty" : NULL,
			   .translate_to = targets[choice >> 6 & 3] },
	};
}

static void repair(enum grubfix_type type, const struct grubfix_facts *facts, const char *text,
		   size_t length)
{
	CLEANUP(grubfix_result_done) struct grubfix_result once = { 0 };
	CLEANUP(grubfix_result_done) struct grubfix_result twice = { 0 };
	CLEANUP(err_clear) struct err err = { 0 };
	struct grubfix_request request = { .name = "fuzz",
					   .text = text,
					   .length = length,
					   .type = type,
					   .facts = facts };
	int r = grubfix_run(&request, &once, &err);

	must(r != -ENOTRECOVERABLE, "not settled", err.text);
	if (r < 0)
		return;
	request.text = once.text;
	request.length = once.length;
	request.type = once.type;
	must(grubfix_run(&request, &twice, &err) == 0, "the second time fails", err.text);
	must(!twice.changed, "the second time changes it", once.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	enum grubfix_type type = GRUBFIX_UNKNOWN + 1 + data[0] % (GRUBFIX_TYPES - 1);
	const struct grubfix_facts facts = facts_of(data[1]);
	char *text = malloc(size - 1); /* its own, so that reading past the end is seen */

	memcpy(text, data + 2, size - 2);
	text[size - 2] = '\0';
	round_trip(type, text, size - 2);
	repair(type, &facts, text, size - 2);
	free(text);
	return 0;
}
