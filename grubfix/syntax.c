#include "syntax.h"

#include <string.h>

#define PATHS(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

static const char *line_after_blanks(const char *line)
{
	return line + strspn(line, " \t");
}

static const char *line_next(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : NULL;
}

/* Is there a line that begins with this word? */
static bool has_line(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *line = text; line; line = line_next(line)) {
		const char *start = line_after_blanks(line);

		if (strncmp(start, word, length) == 0 && strchr(" \t=\r\n({", start[length]))
			return true;
	}
	return false;
}

/* The first line that is neither empty nor a comment. */
static const char *first_line(const char *text)
{
	for (const char *line = text; line; line = line_next(line)) {
		const char *start = line_after_blanks(line);

		if (*start && !strchr("#\r\n", *start))
			return start;
	}
	return "";
}

static bool detect_grubenv(const char *text)
{
	return str_starts(text, "# GRUB Environment Block");
}

static bool detect_libvirt(const char *text)
{
	const char *start = text + strspn(text, " \t\r\n");

	return str_starts(start, "<domain") || str_starts(start, "<?xml") ||
	       (str_starts(start, "<!--") && strstr(start, "<domain"));
}

static bool detect_sxp(const char *text)
{
	const char *start = first_line(text);

	return str_starts(start, "(domain") || str_starts(start, "(vm");
}

static bool detect_grub_cfg(const char *text)
{
	return has_line(text, "menuentry") || has_line(text, "submenu") ||
	       (has_line(text, "set") && has_line(text, "insmod")) ||
	       (has_line(text, "search.fs_uuid") || has_line(text, "search"));
}

static bool detect_legacy(const char *text)
{
	return has_line(text, "title") &&
	       (has_line(text, "kernel") || has_line(text, "root") ||
		has_line(text, "rootnoverify") || has_line(text, "chainloader") ||
		has_line(text, "configfile"));
}

static bool detect_setup(const char *text)
{
	return has_line(text, "setup") || has_line(text, "quit");
}

static bool detect_device_map(const char *text)
{
	const char *start = first_line(text);

	return str_starts(start, "(hd") || str_starts(start, "(fd");
}

static bool detect_default_grub(const char *text)
{
	return strstr(text, "GRUB_DEFAULT=") || strstr(text, "GRUB_CMDLINE_") ||
	       strstr(text, "XEN_OVERRIDE_GRUB_DEFAULT");
}

static bool detect_sysconfig(const char *text)
{
	return has_line(text, "LOADER_TYPE");
}

static bool detect_bls(const char *text)
{
	return has_line(text, "linux") && has_line(text, "options");
}

static bool detect_xen_cfg(const char *text)
{
	return strstr(text, "[global]") || (*first_line(text) == '[' && has_line(text, "kernel"));
}

static bool detect_fstab(const char *text)
{
	const char *line = first_line(text);
	size_t device = strcspn(line, " \t\r\n");
	const char *mount = line + device + strspn(line + device, " \t");

	return device > 0 && line[device] &&
	       (*mount == '/' || str_starts(mount, "swap") || str_starts(mount, "none"));
}

static bool detect_guest(const char *text)
{
	return has_line(text, "disk") || has_line(text, "vif") || has_line(text, "builder") ||
	       (has_line(text, "name") && has_line(text, "memory"));
}

/* xend's own ways: paths with file:, the loader as kernel, code. */
static bool detect_xm(const char *text)
{
	return detect_guest(text) && !has_line(text, "type") &&
	       (strstr(text, "hvmloader") || strstr(text, "file:") || strstr(text, "phy:") ||
		strstr(text, "tap:") || has_line(text, "import") || has_line(text, "builder"));
}

/* vm-install's folder holds what xm reads, until it is translated: type= is xl's alone. */
static bool path_misleads(enum grubfix_type type, const char *text)
{
	return type == GRUBFIX_XM && has_line(text, "type");
}

/* Order: the order in which contents are looked at; the surest first. */
static const struct syntax syntaxes[] = {
	{ GRUBFIX_GRUBENV, "grubenv", PATHS("grubenv"), detect_grubenv, grubenv_parse },
	{ GRUBFIX_LIBVIRT, "libvirt", PATHS(".xml"), detect_libvirt, libvirt_parse },
	{ GRUBFIX_SXP, "sxp", PATHS(".sxp"), detect_sxp, sxp_parse },
	{ GRUBFIX_XEN_CFG, "xen.cfg", PATHS(NULL), detect_xen_cfg, xen_cfg_parse },
	{ GRUBFIX_SYSCONFIG, "sysconfig", PATHS("sysconfig/bootloader"), detect_sysconfig,
	  settings_parse },
	{ GRUBFIX_DEFAULT_GRUB, "default-grub", PATHS("default/grub", "grub.d/*.cfg"),
	  detect_default_grub, settings_parse },
	{ GRUBFIX_GRUB_CFG, "grub.cfg", PATHS("grub.cfg", "custom.cfg"), detect_grub_cfg,
	  grub_cfg_parse },
	{ GRUBFIX_LEGACY, "menu.lst", PATHS("menu.lst", "grub/grub.conf"), detect_legacy,
	  legacy_parse },
	{ GRUBFIX_BLS, "bls", PATHS("loader/entries/*.conf"), detect_bls, bls_parse },
	{ GRUBFIX_CMDLINE, "cmdline", PATHS("kernel/cmdline"), NULL, cmdline_parse },
	{ GRUBFIX_DEVICE_MAP, "device.map", PATHS("device.map"), detect_device_map, table_parse },
	{ GRUBFIX_SETUP, "grub-setup", PATHS(NULL), detect_setup, legacy_parse },
	{ GRUBFIX_FSTAB, "fstab", PATHS("fstab"), detect_fstab, table_parse },
	{ GRUBFIX_CRYPTTAB, "crypttab", PATHS("crypttab"), NULL, table_parse },
	{ GRUBFIX_XM, "xm", PATHS("xen/vm/*"), detect_xm, flat_parse },
	{ GRUBFIX_XL, "xl", PATHS(".xl", "xl.cfg"), detect_guest, flat_parse },
};

#define SYNTAXES (sizeof syntaxes / sizeof *syntaxes)

const struct syntax *syntax_of(enum grubfix_type type)
{
	for (size_t i = 0; i < SYNTAXES; i++)
		if (syntaxes[i].type == type)
			return syntaxes + i;
	return NULL;
}

const char *grubfix_type_name(enum grubfix_type type)
{
	const struct syntax *syntax = syntax_of(type);

	return syntax ? syntax->name : "unknown";
}

enum grubfix_type grubfix_type_from_name(const char *name)
{
	for (size_t i = 0; i < SYNTAXES; i++)
		if (strcmp(syntaxes[i].name, name) == 0)
			return syntaxes[i].type;
	return GRUBFIX_UNKNOWN;
}

/* "folder/NAME", or "folder/" and one more component with this end for "folder/" "*" ".conf". */
static bool path_fits(const char *path, const char *pattern)
{
	const char *star = strchr(pattern, '*');
	const char *base = strrchr(path, '/');

	if (!star) {
		size_t length = strlen(path), tail = strlen(pattern);

		if (!str_ends(path, pattern))
			return false;
		return *pattern == '.' || length == tail || path[length - tail - 1] == '/' ||
		       str_ends(pattern, ".cfg"); /* mine.custom.cfg */
	}
	size_t folder = (size_t)(star - pattern);
	size_t before = base ? (size_t)(base + 1 - path) : 0;
	return before >= folder && strncmp(path + before - folder, pattern, folder) == 0 &&
	       (before == folder || path[before - folder - 1] == '/') && str_ends(path, star + 1);
}

bool grubfix_is_included(const char *path)
{
	return strstr(path, "grub.d/") || str_ends(path, "custom.cfg");
}

enum grubfix_type grubfix_type_find(const char *path, const char *text, size_t length)
{
	CLEANUP(free_cleanup) char *copy = mem_alloc(length + 1);

	if (length > 0)
		memcpy(copy, text, length);
	for (size_t i = 0; path && i < SYNTAXES; i++)
		for (const char *const *p = syntaxes[i].paths; *p; p++)
			if (path_fits(path, *p) && !path_misleads(syntaxes[i].type, copy))
				return syntaxes[i].type;
	for (size_t i = 0; i < SYNTAXES; i++)
		if (syntaxes[i].detect && syntaxes[i].detect(copy))
			return syntaxes[i].type;
	return GRUBFIX_UNKNOWN;
}
