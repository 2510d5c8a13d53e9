/* <bootloader>: a menu.lst as YaST of SLES 11 SP4 writes it, with the fault that the published
 * procedure meets: the entry of Xen names its disks hda, whatever the answer file says, because the
 * installation ran where they were called so. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "linuxrc.h"

#define MENU	TARGET "/boot/grub/menu.lst"
#define PRODUCT "SUSE Linux Enterprise Server 11 SP4"

struct menu {
	const struct disk *disk;
	char *release; /* of the kernel */
	char *boot;    /* "" or "/boot", as GRUB sees it */
	char *consoles;
	char *lines;
};

/* Release of the kernel that the host tree has. */
static char *release_find(void)
{
	DIR *folder = opendir(TARGET "/boot");
	char *found = NULL;

	for (struct dirent *entry; folder && (entry = readdir(folder));)
		if (strncmp(entry->d_name, "vmlinuz-", 8) == 0)
			found = text("%s", entry->d_name + 8);
	if (!found)
		fail("the host tree has no kernel");
	closedir(folder);
	return found;
}

static char *faulty_name(const struct partition *partition)
{
	return text("/dev/hda%s", partition->device + strcspn(partition->device, "0123456789"));
}

static char *disk_args(const struct menu *menu, bool faulty)
{
	const struct disk *disk = menu->disk;
	const struct partition *root = &disk->partitions[disk->root];
	const struct partition *swap = disk->swap < 0 ? NULL : &disk->partitions[disk->swap];
	char *args = text("root=%s", faulty ? faulty_name(root) : root->name);

	return swap ? text("%s resume=%s", args, faulty ? faulty_name(swap) : swap->name) : args;
}

/* What an <append> holds besides the disks, which are the installer's own to name. Xen's console is
 * called xvc0 in SUSE's kernel and hvc0 in the one that is installed here. */
static char *append_of(const struct node *section, const char *key, const char *without)
{
	char *words = text("%s", section ? value_at(section, key) : without), *rest = NULL;
	char *kept = text("%s", "");

	for (char *word = strtok_r(words, " \t\n", &rest); word;
	     word = strtok_r(NULL, " \t\n", &rest))
		if (strcmp(word, "console=xvc0") == 0)
			kept = text("%s console=hvc0", kept);
		else if (strncmp(word, "root=", 5) != 0 && strncmp(word, "resume=", 7) != 0)
			kept = text("%s %s", kept, word);
	return kept;
}

static void entry_open(struct menu *menu, const char *original, const char *title)
{
	menu->lines = text("%s\n###Don't change this comment - YaST2 identifier: Original name: "
			   "%s###\ntitle %s\n    root (hd0,%d)\n",
			   menu->lines, original, title, menu->disk->boot);
}

static void linux_entry(struct menu *menu, const struct node *section)
{
	const char *name = section ? value_at(section, "name") : "";

	entry_open(menu, "linux", *name ? name : text("%s - %s", PRODUCT, menu->release));
	menu->lines = text(
		"%s    kernel %s/vmlinuz-%s %s%s\n    initrd %s/initrd-%s\n", menu->lines,
		menu->boot, menu->release, disk_args(menu, false),
		append_of(section, "append", text("%s splash=silent showopts", menu->consoles)),
		menu->boot, menu->release);
}

static void xen_entry(struct menu *menu, const struct node *section)
{
	const char *name = section ? value_at(section, "name") : "";

	entry_open(menu, "xen", *name ? name : text("Xen -- %s - %s", PRODUCT, menu->release));
	menu->lines = text("%s    kernel %s/xen.gz%s\n    module %s/vmlinuz-%s %s%s\n"
			   "    module %s/initrd-%s\n",
			   menu->lines, menu->boot, append_of(section, "xen_append", " "),
			   menu->boot, menu->release, disk_args(menu, true),
			   append_of(section, "append", "splash=silent showopts"), menu->boot,
			   menu->release);
}

static void globals_write(struct menu *menu, const struct node *profile)
{
	const struct node *globals = node_at(profile, "bootloader/global");
	const char *timeout = globals ? value_at(globals, "timeout") : "";
	const char *serial = globals ? value_at(globals, "serial") : "";
	const char *terminal = globals ? value_at(globals, "terminal") : "";
	time_t now = time(NULL);
	char when[64];

	strftime(when, sizeof when, "%a %b %e %H:%M:%S UTC %Y", gmtime(&now));
	menu->lines = text("# Modified by YaST2. Last modification on %s\n", when);
	if (*serial)
		menu->lines = text("%sserial %s\n", menu->lines, serial);
	if (*terminal)
		menu->lines = text("%sterminal %s\n", menu->lines, terminal);
	menu->lines = text("%sdefault @\ntimeout %s\n##YaST - generic_mbr\n##YaST - activate\n",
			   menu->lines, *timeout ? timeout : "8");
}

static bool has_pattern(const struct node *profile, const char *name)
{
	const struct node *patterns = node_at(profile, "software/patterns");

	for (const struct node *node = patterns ? patterns->first : NULL; node; node = node->next)
		if (strcmp(value_at(node, ""), name) == 0)
			return true;
	return false;
}

/* The entries; the number of the one that <global><default> names, the first without. */
static int entries_write(struct menu *menu, const struct node *profile)
{
	const struct node *sections = node_at(profile, "bootloader/sections");
	const char *wanted = value_at(profile, "bootloader/global/default");
	bool xen = has_pattern(profile, "xen_server");
	int number = 0, found = 0;

	if (!sections) {
		linux_entry(menu, NULL);
		if (xen)
			xen_entry(menu, NULL);
		return strcmp(wanted, "xen") == 0 && xen;
	}
	for (const struct node *section = sections->first; section; section = section->next) {
		const char *type = value_at(section, "type");
		const char *name = value_at(section, "name");

		if (strcmp(type, "xen") == 0 && !xen)
			fail("the section \"%s\" needs the pattern xen_server", name);
		if (*wanted &&
		    (strcmp(wanted, name) == 0 || strcmp(wanted, text("%d", number)) == 0))
			found = number;
		if (strcmp(type, "xen") == 0)
			xen_entry(menu, section);
		else if (strcmp(type, "image") == 0)
			linux_entry(menu, section);
		else
			fail("<section>: the type \"%s\" is not known", type);
		number++;
	}
	return found;
}

/* console= of the installer's own command line: YaST takes them over. */
static char *consoles_find(void)
{
	char *line = get_file("/proc/cmdline"), *rest = NULL, *found = text("%s", "");

	for (char *word = strtok_r(line, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest))
		if (strncmp(word, "console=", 8) == 0)
			found = text("%s%s ", found, word);
	return found;
}

void menu_write(const struct node *profile, const struct disk *disk)
{
	bool separate = disk->boot != disk->root;
	struct menu menu = {
		.disk = disk,
		.release = release_find(),
		.boot = text("%s", separate ? "" : "/boot"),
		.consoles = consoles_find(),
	};
	const char *loader = value_at(profile, "bootloader/loader_type");

	if (*loader && strcmp(loader, "grub") != 0)
		fail("<loader_type>%s</loader_type>: SLES 11 SP4 has grub", loader);
	globals_write(&menu, profile);
	int chosen = entries_write(&menu, profile);
	char *mark = strchr(menu.lines, '@');
	put_file(MENU, 0600,
		 text("%.*s%d%s", (int)(mark - menu.lines), menu.lines, chosen, mark + 1));
	put_file(TARGET "/boot/grub/device.map", 0644, text("(hd0)\t%s\n", disk->device));
	put_file(TARGET "/etc/grub.conf", 0644,
		 text("setup --stage2=/boot/grub/stage2 (hd0) (hd0,%d)\nquit\n", disk->boot));
	put_file(TARGET "/etc/sysconfig/bootloader", 0644, "LOADER_TYPE=\"grub\"\n");
	RUN("sh", "-c", "cp /grub/stage1 /grub/stage2 /grub/e2fs_stage1_5 " TARGET "/boot/grub/");
	RUN("cp", text("%s/boot/x86_64/initrd-installed", MEDIUM),
	    text("%s/boot/initrd-%s", TARGET, menu.release));
	if (has_pattern(profile, "xen_server"))
		RUN("sh", "-c", "cd " TARGET "/boot && ln -sf xen-*.gz xen.gz");
}

void loader_install(const struct disk *disk)
{
	char *commands = text("device (hd0) %s\nroot (hd0,%d)\nsetup (hd0)\nquit\n", disk->device,
			      disk->boot);
	char *output = NULL;

	say("GRUB Legacy on %s, its files in partition %d", disk->device, disk->boot + 1);
	put_file("/tmp/grub.in", 0600, commands);
	/* The shell says what went wrong, and ends well all the same. */
	output = output_of((const char *const[]){
		"sh", "-c",
		"/grub/ld-linux.so.2 --library-path /grub /grub/grub --batch --no-floppy "
		"--device-map=/dev/null < /tmp/grub.in > /tmp/grub.out; "
		"grep 'Error' /tmp/grub.out || grep -c succeeded /tmp/grub.out",
		NULL });
	if (strstr(output, "Error") || atoi(output) < 1)
		fail("GRUB Legacy was not installed: %s", get_file("/tmp/grub.out"));
	sync();
}
