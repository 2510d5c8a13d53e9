/* AutoYaST's parts: each writes its sections. */
#pragma once
#include "answers/formats.h"
#include "answers/xml.h"

/* The types that YaST's elements say they have. */
#define MIB	   (UINT64_C(1) << 20)
#define LIST	   XML_ATTRIBUTES("config:type", "list")
#define BOOLEAN	   XML_ATTRIBUTES("config:type", "boolean")
#define SYMBOL	   XML_ATTRIBUTES("config:type", "symbol")
#define INTEGER	   XML_ATTRIBUTES("config:type", "integer")
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

void yast_flag(struct xml *xml, const char *name, bool value);
void yast_number(struct xml *xml, const char *name, unsigned long long value);
/* A list of elements of one name; names ends with NULL. */
void yast_words(struct xml *xml, const char *list, const char *item, const char *const *names);

/* True if fstab and the boot menu know a partition by its label, else by its UUID: never by a
 * device that has another name under Xen. */
bool yast_by_label(const struct partition_spec *partition);
void yast_partitioning(struct xml *xml, const struct disk_spec *disk);
void yast_bootloader(struct xml *xml, const struct layer *layer,
		     const struct answers_release *release);
void yast_networking(struct xml *xml, const struct layer *layer);
