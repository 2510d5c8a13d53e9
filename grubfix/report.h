/* What a run found, for people and for programs. */
#pragma once
#include "base/str.h"
#include "grubfix.h"

/* "menu.lst:5: root: /dev/hda2 -> UUID=...: the reason", a line each; edits too or remarks only. */
void report_text(const char *name, const struct grubfix_result *result, bool edits,
		 struct buf *ret_text);
/* One JSON object with type, changed, text and findings. */
void report_json(const char *name, const struct grubfix_result *result, struct buf *ret_text);
