/* The initramfs contents: a whole small guest, or the bridge to a root file system. */
#include "compose/system.h"

#include "base/data.h"

static int template_file(const char *name, const char *path, uint32_t mode, struct overlay *overlay,
			 struct err *err)
{
	CLEANUP(free_cleanup) char *source = str_format("templates/%s", name);
	CLEANUP(free_cleanup) char *text = NULL;
	size_t length = 0;
	int r = data_read(source, &text, &length, err);

	if (r < 0)
		return r;
	overlay_file(overlay, path, text, length, mode);
	return 0;
}

/* What somebody who looks into the guest types first. */
static const char *const applets[] = {
	"sh",	  "cat",   "ls",     "ip",	 "ps",	  "df",	  "free",     "dmesg", "mount",
	"umount", "grep",  "head",   "tail",	 "sleep", "true", "false",    "ping",  "wget",
	"nc",	  "uname", "uptime", "top",	 "kill",  "cp",	  "mv",	      "rm",    "mkdir",
	"ln",	  "echo",  "date",   "hostname", "env",	  "test", "lsmod",    "sed",   "awk",
	"sort",	  "wc",	   "dd",     "find",	 "vi",	  "less", "poweroff",
};

int leaf_overlay(const struct layer *layer, const struct strv *modules, struct overlay *overlay,
		 struct err *err)
{
	int r = agent_overlay(layer, modules, "/init", overlay, err);

	if (r == 0)
		r = template_file("leaf/udhcpc", "/etc/nestctl/udhcpc", 0755, overlay, err);
	overlay_text(overlay, "/etc/passwd", 0644, "root:x:0:0:root:/root:/bin/sh\n");
	overlay_text(overlay, "/etc/os-release", 0644,
		     "PRETTY_NAME=\"nestctl leaf (%s %s kernel)\"\nID=nestctl-leaf\n",
		     os_family_name(layer->os_family), layer->release);
	for (size_t i = 0; i < sizeof applets / sizeof *applets; i++) {
		CLEANUP(free_cleanup) char *path = str_format("/bin/%s", applets[i]);

		overlay_link(overlay, path, "busybox");
	}
	overlay_link(overlay, "/sbin", "bin");
	for (size_t i = 0; i < layer->file_count; i++)
		overlay_file(overlay, layer->files[i].path, layer->files[i].content,
			     layer->files[i].content_length, layer->files[i].mode);
	return r;
}

int root_initramfs_overlay(struct overlay *overlay, struct err *err)
{
	return template_file("initramfs/init", "/init", 0755, overlay, err);
}
