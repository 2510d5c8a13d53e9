/* The images of a lab's machines: composed, packed as streams, and kept from one run to the next in
 * a folder of each machine. Knows no server.
 */
#pragma once
#include "plan/plan.h"
#include "pxe/lab.h"
#include "pxe/stream.h"

struct lab_images;

struct lab_images_request {
	const struct lab *lab;
	const char *out;     /* the lab's folder: "out/rack"; each machine has one in there */
	struct store *store; /* both outlive the images */
	bool offline;
	const char *accel; /* of the machines that installers run in; NULL: "auto" */
};

/* Makes what is not there yet, as the lab file is now: minutes for the first machine, seconds for
 * those like it. Nobody else makes images of this lab until lab_images_free. -EBUSY: another
 * process has them. */
int lab_images_make(const struct lab_images_request *request, struct lab_images **ret_images,
		    struct err *err);
void lab_images_free(struct lab_images *images);
void lab_images_cleanup(struct lab_images **images);

/* The lab's; borrowed. */
const char *lab_images_folder(const struct lab_images *images);
/* NULL for a machine that is installed another way. */
const struct stream_facts *lab_image_facts(const struct lab_images *images,
					   const struct lab_machine *machine);
/* Of the file system by which its disk is found (image_boot.h); "" for a machine without an image,
 * or whose image has none. Borrowed. */
const char *lab_image_boot_uuid(const struct lab_images *images, const struct lab_machine *machine);
/* The stream, for reading; -ENOENT for a machine that has none. */
int lab_image_open(const struct lab_images *images, const struct lab_machine *machine,
		   struct err *err);
/* The base tree for netboot_make: one that a machine of the lab is made from, else one that is made
 * now. It is there until lab_images_free. ret_path is borrowed; NULL: no machine of the lab boots
 * the netboot system, by way image or boot rescue. */
int lab_images_tree(struct lab_images *images, const char **ret_path, struct err *err);
