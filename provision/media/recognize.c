/* One row for each file that tells what a medium is; the first that does decides. Texts of a medium
 * are hostile: they are bounded and made printable before they go anywhere. */
#include "media/recognize.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "media/boot_cfg.h"

#define TEXT_MAX_BYTES ((size_t)1 << 20)
#define VALUE_MAX      100

/* ---- words and lines ---- */

/* A copy of at most VALUE_MAX bytes, without blanks and quotes around it, printable. */
static char *value_copy(const char *from, size_t length)
{
	while (length > 0 && strchr(" \t\r'\"", from[0])) {
		from++;
		length--;
	}
	while (length > 0 && strchr(" \t\r'\"", from[length - 1]))
		length--;
	char *copy = str_format("%.*s", (int)(length < VALUE_MAX ? length : VALUE_MAX), from);
	str_tame(copy);
	return copy;
}

/* The rest of the first line that begins with the key and one of the separators; NULL. */
static char *line_value(const char *text, const char *key, const char *separators)
{
	size_t length = strlen(key);

	for (const char *line = text; *line; line += strspn(line, "\n")) {
		size_t end = strcspn(line, "\n");

		if (end > length && strncmp(line, key, length) == 0 &&
		    strchr(separators, line[length]))
			return value_copy(line + length + 1, end - length - 1);
		line += end;
	}
	return NULL;
}

/* Of an .ini file: the value of a key in the first section whose name begins so; NULL. */
static char *ini_value(const char *text, const char *section, const char *key)
{
	size_t length = strlen(section);
	bool inside = false;

	for (const char *line = text; *line; line += strspn(line, "\n")) {
		size_t end = strcspn(line, "\n"), name = strcspn(line, "=\n");

		if (*line == '[') {
			inside = strncmp(line + 1, section, length) == 0;
		} else if (inside && name < end) {
			CLEANUP(free_cleanup) char *found = value_copy(line, name);

			if (strcmp(found, key) == 0)
				return value_copy(line + name + 1, end - name - 1);
		}
		line += end;
	}
	return NULL;
}

/* "SUSE Linux Enterprise Server 11 SP4": the name ends before the word that begins with a digit. */
static size_t name_length(const char *text)
{
	size_t end = 0;

	while (text[end] && !(isdigit((unsigned char)text[end]) && end > 0 && text[end - 1] == ' '))
		end++;
	return end;
}

static void name_set(struct recognized *product, enum os_family_id family, const char *text)
{
	product->family = family;
	product->name = value_copy(text, name_length(text));
}

/* ---- SUSE ---- */

/* "cpe:/o:suse:sles:12:sp1,SUSE Linux Enterprise Server 12 SP1": "12.1". */
static char *cpe_version(const char *distro)
{
	const char *field = distro;

	for (int i = 0; i < 4 && field; i++)
		field = strchr(field, ':') ? strchr(field, ':') + 1 : NULL;
	if (!field)
		return str_copy("");
	size_t major = strcspn(field, ":,");
	if (strncasecmp(field + major, ":sp", 3) != 0)
		return value_copy(field, major);
	const char *pack = field + major + 3;
	return str_format("%.*s.%.*s", (int)(major < 8 ? major : 8), field,
			  (int)strspn(pack, "0123456789") % 8, pack);
}

static bool suse_content(const struct contents *contents, const char *text,
			 struct recognized *product)
{
	CLEANUP(free_cleanup) char *label = line_value(text, "LABEL", " \t");
	CLEANUP(free_cleanup) char *distro = line_value(text, "DISTRO", " \t");
	CLEANUP(free_cleanup) char *version = line_value(text, "VERSION", " \t");
	const char *said = distro ? strchr(distro, ',') : NULL;

	(void)contents;
	if (!label && !said)
		return false;
	name_set(product, OS_SUSE, label ? label : said + 1);
	product->version = version ? take(&version) : cpe_version(distro ? distro : "");
	return true;
}

/* "/ SLES 15.1-0", and what .treeinfo adds to it. */
static bool suse_products(const struct contents *contents, const char *text,
			  struct recognized *product)
{
	CLEANUP(free_cleanup) char *line = line_value(text, "/", " \t");
	CLEANUP(free_cleanup) char *treeinfo = NULL;

	if (!line)
		return false;
	contents_read(contents, ".treeinfo", TEXT_MAX_BYTES, &treeinfo, NULL, NULL);
	CLEANUP(free_cleanup)
	char *family = treeinfo ? ini_value(treeinfo, "general]", "family") : NULL;
	size_t name = strcspn(line, " \t"), gap = strspn(line + name, " \t");
	const char *version = line + name + gap;
	product->family = OS_SUSE;
	product->name = family ? take(&family) : value_copy(line, name);
	product->version = value_copy(version, strcspn(version, "- \t"));
	return true;
}

/* ---- .treeinfo: Red Hat's family, XCP-ng ---- */

static const char *const xen_families[] = { "XCP-ng", "XenServer", "Citrix Hypervisor" };

static bool treeinfo(const struct contents *contents, const char *text, struct recognized *product)
{
	CLEANUP(free_cleanup) char *family = ini_value(text, "general]", "family");
	CLEANUP(free_cleanup) char *name = ini_value(text, "system-v1]", "product_name");

	(void)contents;
	if (!family && !name)
		return false;
	const char *said = name ? name : family;
	name_set(product, name ? OS_XCPNG : OS_REDHAT, said);
	for (size_t i = 0; i < sizeof xen_families / sizeof *xen_families; i++)
		if (str_starts(said, xen_families[i]))
			product->family = OS_XCPNG;
	product->version = ini_value(text, "general]", "version");
	/* XCP-ng's boot loader stands there in the place of its kernel. */
	if (product->family == OS_REDHAT) {
		CLEANUP(free_cleanup) char *arch = ini_value(text, "general]", "arch");
		CLEANUP(free_cleanup) char *images = str_format("images-%s]", arch ? arch : "");

		product->kernel = ini_value(text, images, "kernel");
		product->initrd = ini_value(text, images, "initrd");
	}
	return true;
}

/* ---- Debian's family, Proxmox ---- */

/* Debian GNU/Linux 12.5.0 "Bookworm" - Official amd64 NETINST ... */
static bool disk_info(const struct contents *contents, const char *text, struct recognized *product)
{
	size_t end = strcspn(text, "\"\n"), name = name_length(text);

	(void)contents;
	if (!str_starts(text, "Debian") && !str_starts(text, "Ubuntu"))
		return false;
	while (end > 0 && text[end - 1] == ' ')
		end--;
	if (name >= end) { /* Debian GNU/Linux testing "Trixie" */
		const char *last = memrchr(text, ' ', end);

		name = last ? (size_t)(last - text) + 1 : end;
	}
	product->family = OS_DEBIAN;
	product->name = value_copy(text, name);
	const char *version = text + name;
	product->version = value_copy(version, strcspn(version, " \"\n"));
	return true;
}

static bool netboot_info(const struct contents *contents, const char *text,
			 struct recognized *product)
{
	CLEANUP(free_cleanup) char *version = line_value(text, "Debian version", ":");

	(void)contents;
	if (!version)
		return false;
	product->family = OS_DEBIAN;
	product->name = str_copy("Debian GNU/Linux");
	product->version = value_copy(version, strcspn(version, " "));
	return true;
}

static bool cd_info(const struct contents *contents, const char *text, struct recognized *product)
{
	CLEANUP(free_cleanup) char *name = line_value(text, "PRODUCTLONG", "=");

	(void)contents;
	if (!name || !str_starts(name, "Proxmox"))
		return false;
	product->family = OS_PROXMOX;
	product->name = take(&name);
	product->version = line_value(text, "RELEASE", "=");
	return true;
}

/* ---- ESXi ---- */

/* "7.0.3" of "7.0.3-0.0.19193900", of "ESXi-6.7.0-8169922-standard Boot Menu", of a label. */
static char *esxi_version(const char *text)
{
	const char *digit = text + strcspn(text, "0123456789");

	return value_copy(digit, strspn(digit, "0123456789."));
}

static bool esxi(const struct contents *contents, const char *text, struct recognized *product)
{
	CLEANUP(free_cleanup) char *title = boot_cfg_value(text, "title");
	CLEANUP(free_cleanup) char *build = boot_cfg_value(text, "build");
	CLEANUP(free_cleanup) char *menu = NULL, *line = NULL;

	if (!title || !strstr(title, "ESXi"))
		return false;
	if (!build || !*build) {
		contents_read(contents, "ISOLINUX.CFG", TEXT_MAX_BYTES, &menu, NULL, NULL);
		line = menu ? line_value(menu, "MENU TITLE", " ") : NULL;
	}
	product->family = OS_ESXI;
	product->name = str_copy("VMware ESXi");
	product->version = esxi_version(build && *build ? build
					: line		? line
							: contents_label(contents));
	product->kernel = boot_cfg_value(text, "kernel");
	product->initrd = str_copy("");
	return product->kernel && *product->kernel;
}

/* ---- the table ---- */

/* SUSE's newer media have a .treeinfo too, and Proxmox's may have Debian's .disk/info. */
static const struct sign {
	const char *file;
	bool (*recognize)(const struct contents *contents, const char *text,
			  struct recognized *product);
} signs[] = {
	{ "content", suse_content },	  { "media.1/products", suse_products },
	{ ".treeinfo", treeinfo },	  { ".cd-info", cd_info },
	{ ".disk/info", disk_info },	  { ".disk/mini-info", disk_info },
	{ "version.info", netboot_info }, { "BOOT.CFG", esxi },
};

static int unknown(const struct contents *contents, struct err *err)
{
	CLEANUP(strv_done) struct strv files = { 0 };

	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
		strv_add(&files, signs[i].file);
	CLEANUP(free_cleanup) char *list = strv_join(&files, ", ");
	return err_set(err, -EBADMSG,
		       "%s: is no installation medium that is known%s%s%s: none of these files on "
		       "it names a product: %s",
		       contents_path(contents),
		       *contents_label(contents) ? " (its label is \"" : "",
		       contents_label(contents), *contents_label(contents) ? "\")" : "", list);
}

int medium_recognize(const struct contents *contents, struct recognized *ret_product,
		     struct err *err)
{
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		CLEANUP(free_cleanup) char *text = NULL;

		if (!contents_find(contents, signs[i].file))
			continue;
		int r = contents_read(contents, signs[i].file, TEXT_MAX_BYTES, &text, NULL, err);
		if (r < 0)
			return r;
		if (signs[i].recognize(contents, text, ret_product)) {
			if (!ret_product->version)
				ret_product->version = str_copy("");
			return 0;
		}
		recognized_done(ret_product);
	}
	return unknown(contents, err);
}

void recognized_done(struct recognized *product)
{
	free(product->name);
	free(product->version);
	free(product->kernel);
	free(product->initrd);
	*product = (struct recognized){ 0 };
}
