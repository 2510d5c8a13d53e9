/* Puts the changes of a repair into an image so that a killed program or a lost power supply
 * leaves either the old image or the new one: a log of them lies beside the image until all are
 * on the disk. */
#pragma once
#include "fix/overlay.h"

/* Writes the log (IMAGE.nestctl-redo), then the changes, syncs and removes the log. The writing is
 * done by a process of its own, which goes on when we are killed; it keeps our lock. */
int commit_changes(struct image *image, const struct overlay_change *changes, size_t count,
		   struct err *err);
/* Puts back what was there before; the same way. */
int commit_undo(struct image *image, const struct overlay_change *changes, size_t count,
		struct err *err);
/* Is there the log of a repair that was interrupted? */
bool commit_is_pending(const char *image_path);
/* Finishes it; the image is open for writing. -EBADMSG: the log is damaged, or the image was
 * changed since. Nothing to do is success. */
int commit_finish_pending(struct image *image, struct err *err);
