/* A tar archive with zstd, written entry by entry. The same files give the same bytes: no times, no
 * owners. */
#pragma once
#include <stdint.h>

#include "base/err.h"

struct pack;

/* The archive gets its name when pack_publish says so; pack_cleanup without it leaves nothing. */
int pack_open(const char *path, struct pack **ret_pack, struct err *err);
void pack_cleanup(struct pack **pack);

/* A file of this disk, under another name. */
int pack_file(struct pack *pack, const char *from, const char *name, struct err *err);
/* A folder with all that is in it, sorted: files and folders only. */
int pack_tree(struct pack *pack, const char *from, const char *name, struct err *err);
/* ret_bytes: size of the archive. */
int pack_publish(struct pack *pack, uint64_t *ret_bytes, struct err *err);
