/* What an L0 that nestctl does not drive reads to start L1: one file a format, one row in formats[]
 * of format.c. Pure: a layer goes in, a text comes out. Every value is escaped for its format. */
#pragma once
#include "profile/stack.h"

struct guest_request {		   /* what an emitter gets */
	const struct layer *layer; /* L1: a fully virtualized machine */
	uint64_t disk_bytes;	   /* of the raw disk, whole sectors */
	const char *disk_file;	   /* its file, as the format names it: a name, or a path there */
};

struct guest_format {
	const char *name;	    /* "vmx" */
	const char *title;	    /* for messages: "a VMX file" */
	const char *suffix;	    /* of the file, whose name is the layer's: ".vmx" */
	uint64_t memory_unit_bytes; /* memory is a multiple of it */
	unsigned nics;		    /* 1 << enum nic_model: those it has */
	bool uefi;		    /* it has a firmware for the -efi boot loaders */
	bool esxi;		    /* its network card is one that ESXi drives */
	bool raw_lines;		    /* the guest_config lines of a profile are lines of it */
	const char *not_in_name;    /* characters that it has no way to write; NULL: none */
	/* Around the layer's name: the disk's file, as the format names it. */
	const char *disk_prefix, *disk_suffix;
	void (*emit)(const struct guest_request *request, struct buf *out);
};

/* The i-th, NULL after the last. */
const struct guest_format *guest_format_at(size_t index);

/* 0 if the format can say all that the machine is; else -EINVAL, one line for each key that it
 * cannot, "file:line:column: KEY: found; allowed". */
int guest_format_check(const struct guest_format *format, const struct layer *layer,
		       struct err *err);

/* The text for a layer that guest_format_check lets pass. disk_bytes: of its raw disk, whole
 * sectors. The caller frees. */
char *guest_format_emit(const struct guest_format *format, const struct layer *layer,
			uint64_t disk_bytes);

/* The UUID of a layer's machine, from its MAC: the same whenever it is built, in every format. */
void guest_uuid(const struct layer *layer, char ret_text[37]);

extern const struct guest_format vmx_guest, vmdk_guest, vmfs_guest, hyper_v_guest, libvirt_guest,
	xl_guest, xm_guest, sxp_guest, xend_xml_guest;
