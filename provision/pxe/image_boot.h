/* By what a boot program finds the disk that holds an image, whatever the order of the disks.
 */
#pragma once
#include "image/probe.h"

/* UUID of the file system in the image at path where the firmware starts: the EFI system
 * partition's ("ABCD-1234"), else that of the first ext2, ext3 or ext4. "": it has neither. */
int image_boot_uuid(const char *path, char ret_uuid[PROBE_UUID_BYTES], struct err *err);
