/* What the rules ask of a boot menu beyond its text: whose entry it is, whether it can be booted,
 * how it is named. */
#pragma once
#include "fix.h"

/* One answer per entry of the doc; the caller frees. */

/* Entries whose root= means another system, on this disk or on another one. */
bool *menu_foreign(const struct doc *doc, const struct grubfix_facts *facts);
/* Xen entries that can be booted: no symbols, debug or rescue build, every file there. */
bool *menu_usable(const struct doc *doc, const struct grubfix_facts *facts);
/* Entries that load a file which is not there, whatever /boot is: of another system, or left over.
 */
bool *menu_dead(const struct doc *doc, const struct grubfix_facts *facts);
/* Entries whose kernel gets no initrd. */
bool *menu_without_initrd(const struct doc *doc);
/* Entries whose hypervisor uses the serial line com1. */
bool *menu_uses_com1(const struct doc *doc);

/* "submenu>entry" by id, else by title; the caller frees. */
char *menu_path(const struct doc *doc, uint32_t entry) __attribute__((returns_nonnull));
/* The entry that such a path, a number or "1>2" means; NONE: there is none. */
uint32_t menu_find(const struct doc *doc, const char *path);
/* The entry that should be the default: default_entry if the facts name one and it is there, else
 * the first usable one; NONE. */
uint32_t menu_xen_entry(const struct doc *doc, const struct grubfix_facts *facts,
			const bool *usable);

/* Is this statement part of the system whose disk this is? foreign: as of menu_foreign. */
bool menu_ours(const struct doc *doc, const struct statement *statement, const bool *foreign);
/* Is this a command that names files to be loaded? */
bool menu_loads(const struct statement *statement);
/* The path in the image's own tree of a file named in a menu ("/boot" in front where /boot is
 * separate; beside the file itself for xen.cfg); the caller frees. NULL: it cannot be said
 * (variables, relative). */
char *menu_file_path(const struct doc *doc, const struct grubfix_facts *facts, const char *file);
