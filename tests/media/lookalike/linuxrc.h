/* A look-alike of SUSE's linuxrc and of YaST's first stage, for the tests: takes an AutoYaST answer
 * file and installs what the medium holds. It ends at the first thing that it cannot do. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEDIUM "/medium"
#define TARGET "/mnt"

/* ---- saying and doing (tools.c) ---- */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "linuxrc: FAILED: ..."; the machine is then switched off by init. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* "%s" and the rest into memory that nobody frees: the program is short-lived. */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Runs a program, input (or NULL) on its standard input; any status but 0 fails. */
void run(const char *input, const char *const *argv);
#define RUN(...) run(NULL, (const char *const[]){ __VA_ARGS__, NULL })
/* The first line of a program's output; "" if it failed. */
char *output_of(const char *const *argv);
void put_file(const char *path, unsigned mode, const char *content); /* folders are made */
char *get_file(const char *path);				     /* NULL: not there */
/* Value of NAME= on the kernel's command line, NULL: not there. */
char *kernel_arg(const char *name);

/* ---- the answer file (xml.c) ---- */
struct node {
	char *name; /* without a prefix */
	char *content;
	size_t length; /* of content */
	struct node *first, *next, *last;
};

struct node *xml_parse(const char *path);
/* "general/mode/halt" below a node; NULL: not there. */
const struct node *node_at(const struct node *node, const char *path);
const char *value_at(const struct node *node, const char *path); /* "" if it is not there */
bool true_at(const struct node *node, const char *path, bool without);

/* ---- the disk (disk.c) ---- */
#define PARTITIONS_MAX 8

struct partition {
	char *device; /* "/dev/sda2" */
	const char *filesystem, *mount, *label, *mountby;
	char *uuid;
	char *name;	   /* as fstab and the boot menu call it, by mountby */
	uint64_t size_mib; /* 0: the rest */
	int id;
};

struct disk {
	char *device;
	struct partition partitions[PARTITIONS_MAX];
	int count;
	int root, swap, boot; /* indices; swap -1: none */
};

/* without: a device that is not to be taken (it has the answer file), or NULL. */
void disk_make(const struct node *profile, const char *without, struct disk *disk);
void disk_mount(const struct disk *disk);
void disk_unmount(const struct disk *disk);

/* ---- the system (system.c, network.c, boot.c) ---- */
void system_set(const struct node *profile, const struct disk *disk);
void scripts_run(const struct node *profile, const char *kind);
void network_set(const struct node *profile);
void menu_write(const struct node *profile, const struct disk *disk);
void loader_install(const struct disk *disk);
