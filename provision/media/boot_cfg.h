/* ESXi's boot.cfg: "key=value" lines, modules separated by " --- ". Text in, text out. */
#pragma once
#include "base/str.h"

/* The value of a key, whose case does not count, printable; NULL: it is not there. The caller
 * frees. */
char *boot_cfg_value(const char *text, const char *key);
/* The files of a module list, without a leading /. */
void boot_cfg_modules(const char *text, struct strv *ret_names);
/* A copy with another value of a key, or with a line of it at its end. The caller frees. */
char *boot_cfg_set(const char *text, const char *key, const char *value);
/* A copy whose kernelopt has these options besides what it had, but no older ks=. Line ends stay as
 * they are. The caller frees. */
char *boot_cfg_with_options(const char *text, const char *options);
