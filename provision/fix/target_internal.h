/* What a kind of target provides. */
#pragma once
#include "fix/target.h"

/* A backup in /etc/grub.d must not be run as the script that it is a copy of. */
#define TARGET_BACKUP_MODE 07666

struct target_ops {
	walk_look look;
	int (*read)(void *context, const char *real, size_t max_bytes, char **ret_data,
		    size_t *ret_length, struct err *err);
	int (*list)(void *context, const char *real, struct strv *ret_names, struct err *err);
	/* In one step; mode, owner and extended attributes are those of `like`. If that is another
	   file, this is its backup: its times too, and nothing that can be run. */
	int (*put)(void *context, const char *real, const char *like, const void *data,
		   size_t length, struct err *err);
	int (*check)(void *context, struct err *err);
	int (*commit)(void *context, struct err *err);
	int (*revert)(void *context, struct err *err);
	void (*close)(void *context);
};

/* Owns the context. name is copied. */
struct target *target_new(const struct target_ops *ops, void *context, const char *name,
			  bool is_image, struct disk *disk);
