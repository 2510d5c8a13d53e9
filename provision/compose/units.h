/* Files that more than one part of a system's overlay writes: templates, systemd's links. */
#pragma once
#include "base/data.h"
#include "compose/overlay.h"

#define UNIT_FOLDER "/etc/systemd/system"

/* templates/NAME, rendered. */
int overlay_rendered(struct overlay *overlay, const char *name, const char *path, uint32_t mode,
		     const struct template_value *values, struct err *err);
/* "nfs-server.service" for nfs-server; fstrim.timer is a unit's name already. The caller frees. */
char *unit_of_service(const char *service);
/* The unit, a file in target_folder, belongs to multi-user.target. */
void unit_enable(struct overlay *overlay, const char *unit, const char *target_folder);
/* A link from /etc/systemd/system to another unit: its alias. */
void unit_alias(struct overlay *overlay, const char *alias, const char *unit_path);
/* systemd takes a link to /dev/null for "not this one". */
void unit_mask(struct overlay *overlay, const char *folder, const char *name);
