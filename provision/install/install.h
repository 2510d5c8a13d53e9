/* Phase one of an installed layer: the vendor's installer makes the disk, unattended, in a machine
 * like the one that will run it, and powers off. Phase two is the ordinary run of the built stack.
 */
#pragma once
#include "media/medium.h"
#include "profile/stack.h"
#include "run/driver.h"
#include "store/inputs.h"

/* SHA-256 of the layer's medium: what the profile says, else that of the file, which is read as a
 * whole, once: sums is the folder that keeps them, if it is there. Of a folder with an installer's
 * kernel and initrd, of both. -ENOENT: the medium is not there yet. */
int install_medium_hash(const struct layer *layer, const char *sums,
			char ret_hex[HASH_HEX_LENGTH + 1], struct err *err);

/* All that goes into the installed disk; medium: its hash. -EINVAL, with the keys named: the
 * answer file of its family cannot express the layer. inputs_done *ret_inputs,
 * also after a failure. */
int install_inputs(const char *stack_name, const struct layer *layer, const char *medium,
		   struct inputs *ret_inputs, struct err *err);

/* -EBADMSG: it is one of another family or release than the layer's. */
int install_medium_check(const struct layer *layer, const struct medium *medium, struct err *err);
/* The medium as a local file, fetched into folder where it is a URL (never with offline), checked,
 * and recognized as one of the layer's. The caller frees *ret_path. */
int install_medium_bring(const struct layer *layer, const char *folder, bool offline,
			 char **ret_path, struct err *err);

#define INSTALL_DISK "disk.raw"

struct install_request {
	const struct layer *layer;
	const char *stack_name;
	const char *medium; /* as install_medium_bring gave it */
	const char *key;    /* of the inputs */
	const char *work;   /* a folder to make: the disk in the making; no other build uses it */
	const char *logs;
	const struct l0_driver *driver; /* what the installer's machine runs on */
	const char *accel;		/* "auto", "tcg", "kvm" */
	const char *bridge;		/* for a driver that takes one; NULL: it finds one */
	const char *label;		/* "[2/5] install l1", for progress */
};

/* Runs the installer to its end. Afterwards work/INSTALL_DISK is the installed disk, synced, and
 * install_is_complete. On failure what there is of it stays, and no secret. -ETIMEDOUT: it did not
 * end in time; -EIO: it ended badly; -EINTR: a signal. The message holds the console's end. */
int install_run(const struct install_request *request, struct err *err);

/* Removes what a killed run left of the answers, which hold the hash of root's password. */
int install_clear(const char *work, struct err *err);

/* Does the folder hold a disk with that key whose installer ended well? */
bool install_is_complete(const char *work, const char *key);
