/* The only place outside of grubfix/ that looks at its model. */
#include "fix/xen_entry.h"

#include <stdlib.h>

#include "grubfix/doc.h"
#include "grubfix/menu.h"
#include "grubfix/words.h"

/* xen.cfg names what is what. */
static void section_read(const struct doc *doc, const struct grubfix_facts *facts, uint32_t entry,
			 struct xen_entry *ret_entry)
{
	for (uint32_t i = 0; i < doc->statement_count; i++) {
		const struct statement *statement = &doc->statements[i];
		const struct word *file = statement_file(doc, statement);
		char **path = str_equal(statement->name, "kernel")    ? &ret_entry->kernel
			      : str_equal(statement->name, "ramdisk") ? &ret_entry->initrd
								      : NULL;

		if (statement->entry == entry && path && file && !*path)
			*path = menu_file_path(doc, facts, file->text);
	}
}

/* In both GRUBs the hypervisor is the first file that is loaded, the kernel of dom0 the second and
 * its initrd the third. */
static void files_read(const struct doc *doc, const struct grubfix_facts *facts, uint32_t entry,
		       struct xen_entry *ret_entry)
{
	char **const files[] = { NULL, &ret_entry->kernel, &ret_entry->initrd };
	size_t next = 0;

	for (uint32_t i = 0; i < doc->statement_count; i++) {
		const struct statement *statement = &doc->statements[i];
		const struct word *file;

		if (statement->entry != entry || !menu_loads(statement))
			continue;
		file = statement_file(doc, statement);
		if (file && next < sizeof files / sizeof *files && files[next])
			*files[next] = menu_file_path(doc, facts, file->text);
		next++;
	}
}

void xen_entry_read(const struct grubfix_request *menu, struct xen_entry *ret_entry)
{
	CLEANUP(doc_done) struct doc doc = { 0 };

	doc_parse(&doc, menu->name, menu->type, menu->text, menu->length);
	CLEANUP(free_cleanup) bool *usable = menu_usable(&doc, menu->facts);
	uint32_t entry = menu_xen_entry(&doc, menu->facts, usable);
	if (entry == NONE)
		return;
	ret_entry->title = str_copy(doc.entries[entry].title);
	if (doc.type == GRUBFIX_XEN_CFG)
		section_read(&doc, menu->facts, entry, ret_entry);
	else
		files_read(&doc, menu->facts, entry, ret_entry);
}

void xen_entry_done(struct xen_entry *entry)
{
	free(entry->title);
	free(entry->kernel);
	free(entry->initrd);
	*entry = (struct xen_entry){ 0 };
}
