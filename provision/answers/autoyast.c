/* AutoYaST: autoinst.xml of SUSE's YaST. Sources: "AutoYaST Guide" of SLES 11 SP4, 12 and 15;
 * yast2-schema. The second stage, which YaST runs at the first start from the disk, stays on: it is
 * what writes network and users on SLES 11. */
#include "answers/autoyast.h"

#include <string.h>

#include "answers/setup.h"
#include "answers/values.h"
#include "compose/names.h"
#include "pattern/pattern.h"

/* They are in a script, in base64, with the agent; libxml2 takes no text of more than 10 MB
 * (XML_MAX_TEXT_LENGTH). */
#define FILES_MAX_BYTES (UINT64_C(6) << 20)

struct suse_release {
	struct answers_release common;
	const char *product; /* as YaST of 15 must be told it; NULL: the medium has but one */
	bool modules;	     /* the medium has the products as modules, to be added one by one */
	const char *const *base, *const *xen; /* "pattern:NAME" and packages */
	const char *const *services, *const *xen_services;
};

/* By the names of a medium's content, .treeinfo and media.1/products. */
#define SLE_PRODUCTS	    WORDS("SUSE Linux Enterprise", "SLE")
#define LEAP_PRODUCTS	    WORDS("openSUSE Leap", "openSUSE-Leap", "Leap")
#define TUMBLEWEED_PRODUCTS WORDS("openSUSE")

static const struct suse_release releases[] = {
	{
		.common = { "sles11sp4", "SUSE Linux Enterprise Server 11 SP4", "1 2a 2y 5 6",
			    .major = "11", .products = SLE_PRODUCTS, .xen = true, .legacy = true },
		.base = WORDS("pattern:base", "pattern:Minimal", "openssh"),
		.xen = WORDS("pattern:xen_server", "kernel-xen", "bridge-utils"),
		.services = WORDS("sshd"),
		.xen_services = WORDS("xend", "xendomains"),
	},
	{
		.common = { "sles12", "SUSE Linux Enterprise Server 12", "1 2a 2y 5 6",
			    .major = "12", .products = SLE_PRODUCTS, .xen = true, .uefi = true },
		.base = WORDS("pattern:base", "pattern:Minimal", "openssh"),
		.xen = WORDS("pattern:xen_server", "pattern:xen_tools", "bridge-utils"),
		.services = WORDS("sshd"),
		.xen_services = WORDS("xencommons", "xendomains"),
	},
	{
		.common = { "sles15", "SUSE Linux Enterprise Server 15", "1 2a 2y 5 6",
			    .major = "15", .products = SLE_PRODUCTS, .xen = true, .uefi = true },
		.product = "SLES",
		.modules = true,
		.base = WORDS("pattern:base", "pattern:minimal_base", "openssh"),
		.xen = WORDS("pattern:xen_server", "pattern:xen_tools"),
		.services = WORDS("sshd"),
		.xen_services = WORDS("xencommons", "xendomains"),
	},
	{
		.common = { "leap15", "openSUSE Leap 15", "1 2a 2y 5 6", .major = "15",
			    .products = LEAP_PRODUCTS, .xen = true, .uefi = true },
		.product = "Leap",
		.base = WORDS("pattern:base", "pattern:minimal_base", "openssh"),
		.xen = WORDS("pattern:xen_server", "pattern:xen_tools"),
		.services = WORDS("sshd"),
		.xen_services = WORDS("xencommons", "xendomains"),
	},
	{
		.common = { "tumbleweed", "openSUSE Tumbleweed", "1 2a 2y 5 6 y",
			    .products = TUMBLEWEED_PRODUCTS, .xen = true, .uefi = true },
		.product = "openSUSE",
		.base = WORDS("pattern:base", "pattern:minimal_base", "openssh"),
		.xen = WORDS("pattern:xen_server", "pattern:xen_tools"),
		.services = WORDS("sshd"),
		.xen_services = WORDS("xencommons", "xendomains"),
	},
};

#define RELEASES (sizeof releases / sizeof *releases)

/* The modules of SLES 15, each on the one before it, and what needs them. */
static const struct {
	const char *folder, *product;
	const char *group; /* NULL: always */
} modules[] = {
	{ "/Module-Basesystem", "sle-module-basesystem", NULL },
	{ "/Module-Server-Applications", "sle-module-server-applications", NULL },
	{ "/Module-Web-Scripting", "sle-module-web-scripting", "web-server" },
	{ "/Module-Desktop-Applications", "sle-module-desktop-applications", "development" },
	{ "/Module-Development-Tools", "sle-module-development-tools", "development" },
};

static const struct answers_release *release_at(size_t index)
{
	return index < RELEASES ? &releases[index].common : NULL;
}

static const char *keyboard(const char *keymap)
{
	return keyboard_name(keymap, KEYBOARD_SUSE);
}

static void check_files(const struct answers_check *check)
{
	const struct layer *layer = check->layer;
	uint64_t bytes = 0;

	for (size_t i = 0; i < layer->file_count; i++)
		bytes += layer->files[i].content_length;
	if (bytes > FILES_MAX_BYTES)
		answers_wrong(check, "files",
			      "found %llu bytes together; allowed with %s are %llu: its XML parser "
			      "reads no more of a script",
			      (unsigned long long)bytes, check->release->title,
			      (unsigned long long)FILES_MAX_BYTES);
}

/* GRUB Legacy's menu needs the root device's name before its UUID is known. */
static void check_root(const struct answers_check *check)
{
	const struct disk_spec *disk = &check->layer->disk;
	size_t root = disk_partition_at(disk, "/");

	if (check->release->legacy && root < disk->partition_count &&
	    !yast_by_label(&disk->partitions[root]))
		diagnostic_add(check->diagnostics, &disk->partitions[root].mark,
			       "disk.partitions[%zu].label: found \"%s\"; allowed for / with %s is "
			       "a label of letters, digits, - _ . and :",
			       root + 1, disk->partitions[root].label, check->release->title);
}

static void check(const struct answers_check *check)
{
	check_root(check);
	check_files(check);
}

/* ---- sections ---- */

void yast_flag(struct xml *xml, const char *name, bool value)
{
	xml_text(xml, name, BOOLEAN, value ? "true" : "false");
}

void yast_number(struct xml *xml, const char *name, unsigned long long value)
{
	CLEANUP(free_cleanup) char *text = str_format("%llu", value);

	xml_text(xml, name, INTEGER, text);
}

void yast_words(struct xml *xml, const char *list, const char *item, const char *const *names)
{
	xml_open(xml, list, LIST);
	for (; names && *names; names++)
		xml_text(xml, item, NULL, *names);
	xml_close(xml);
}

static void general(struct xml *xml, const struct answers_network *network)
{
	xml_open(xml, "general", NULL);
	xml_open(xml, "mode", NULL);
	yast_flag(xml, "confirm", false);
	yast_flag(xml, "halt", !network);
	yast_flag(xml, "second_stage", true);
	yast_flag(xml, "final_halt", false);
	yast_flag(xml, "final_reboot", false);
	yast_flag(xml, "forceboot", false);
	xml_close(xml);
	xml_close(xml);
	/* Nobody is there to press a key; an error stays on the screen for the screenshot. */
	static const char *const reports[] = { "messages", "warnings", "yesno_messages", NULL };
	xml_open(xml, "report", NULL);
	for (const char *const *report = reports; *report; report++) {
		xml_open(xml, *report, NULL);
		yast_flag(xml, "log", true);
		yast_flag(xml, "show", false);
		yast_number(xml, "timeout", 0);
		xml_close(xml);
	}
	xml_close(xml);
}

static void language(struct xml *xml, const struct layer *layer)
{
	const char *locale = installed_locale(layer);
	CLEANUP(free_cleanup) char *name = str_format("%.*s", (int)strcspn(locale, ".@"), locale);

	xml_open(xml, "language", NULL);
	xml_text(xml, "language", NULL, name);
	xml_close(xml);
	xml_open(xml, "keyboard", NULL);
	xml_text(xml, "keymap", NULL, keyboard(layer->keymap));
	xml_close(xml);
	xml_open(xml, "timezone", NULL);
	xml_text(xml, "hwclock", NULL, "UTC");
	xml_text(xml, "timezone", NULL, layer->time_zone);
	xml_close(xml);
}

static void add_on(struct xml *xml, const char *url, const char *product, const char *folder)
{
	xml_open(xml, "listentry", NULL);
	xml_text(xml, "media_url", NULL, url);
	if (product)
		xml_text(xml, "product", NULL, product);
	xml_text(xml, "product_dir", NULL, folder);
	xml_close(xml);
}

static void add_ons(struct xml *xml, const struct answers_request *request,
		    const struct suse_release *release)
{
	const struct layer *layer = request->layer;
	const char *medium =
		request->network ? request->network->repository : "dvd:///?devices=/dev/sr0";
	CLEANUP(free_cleanup) char *mirrors = str_copy(layer->mirror);
	char *rest = NULL;

	if (!release->modules && !*mirrors)
		return;
	xml_open(xml, "add-on", NULL);
	xml_open(xml, "add_on_products", LIST);
	for (size_t i = 0; release->modules && i < sizeof modules / sizeof *modules; i++)
		if (!modules[i].group || strv_has(&layer->groups, modules[i].group))
			add_on(xml, medium, modules[i].product, modules[i].folder);
	for (char *mirror = strtok_r(mirrors, " ", &rest); mirror;
	     mirror = strtok_r(NULL, " ", &rest))
		add_on(xml, mirror, NULL, "/");
	xml_close(xml);
	xml_close(xml);
}

static void software(struct xml *xml, const struct layer *layer, const struct suse_release *release)
{
	static const char prefix[] = "pattern:";
	CLEANUP(strv_done) struct strv all = layer_packages(layer, release->base);
	CLEANUP(strv_done) struct strv patterns = { 0 };
	CLEANUP(strv_done) struct strv packages = { 0 };

	if (is_xen(layer))
		strv_add_names(&all, release->xen);
	for (size_t i = 0; i < all.count; i++) {
		const char *name = all.items[i];

		if (str_starts(name, prefix))
			strv_add(&patterns, name + strlen(prefix));
		else
			strv_add(&packages, name);
	}
	xml_open(xml, "software", NULL);
	yast_words(xml, "packages", "package", (const char *const *)packages.items);
	yast_words(xml, "patterns", "pattern", (const char *const *)patterns.items);
	if (release->product)
		yast_words(xml, "products", "product", WORDS(release->product));
	xml_close(xml);
	if (release->common.legacy) {
		/* An image of a whole system would come without what was asked for. */
		xml_open(xml, "deploy_image", NULL);
		yast_flag(xml, "image_installation", false);
		xml_close(xml);
	}
}

/* ---- users, services, scripts ---- */

static void users(struct xml *xml, const struct layer *layer)
{
	xml_open(xml, "users", LIST);
	xml_open(xml, "user", NULL);
	yast_flag(xml, "encrypted", true);
	xml_text(xml, "user_password", NULL,
		 *layer->root_password_hash ? layer->root_password_hash : "!");
	xml_text(xml, "username", NULL, "root");
	xml_close(xml);
	xml_close(xml);
}

static void services(struct xml *xml, const struct layer *layer, const struct suse_release *release)
{
	CLEANUP(strv_done) struct strv names = { 0 };

	strv_add_names(&names, release->services);
	if (is_xen(layer))
		strv_add_names(&names, release->xen_services);
	strv_add_all(&names, &layer->services);
	if (!release->common.legacy) {
		xml_open(xml, "services-manager", NULL);
		xml_text(xml, "default_target", NULL, "multi-user");
		xml_open(xml, "services", NULL);
		yast_words(xml, "enable", "service", (const char *const *)names.items);
		xml_close(xml);
		xml_close(xml);
		return;
	}
	xml_open(xml, "runlevel", NULL);
	xml_text(xml, "default", NULL, "3");
	xml_open(xml, "services", LIST);
	for (size_t i = 0; i < names.count; i++) {
		xml_open(xml, "service", NULL);
		xml_text(xml, "service_name", NULL, names.items[i]);
		xml_text(xml, "service_start", NULL, "3 5");
		xml_close(xml);
	}
	xml_close(xml);
	xml_close(xml);
}

static int scripts(struct xml *xml, const struct answers_request *request,
		   const struct suse_release *release, struct err *err)
{
	CLEANUP(setup_done) struct setup setup = { 0 };
	CLEANUP(free_cleanup) char *script = NULL;
	bool legacy = release->common.legacy;
	int r = setup_layer(&setup, request, legacy ? INIT_SYSV : INIT_SYSTEMD, true, err);

	if (r == 0 && is_xen(request->layer) && !legacy)
		r = setup_xen_default(&setup, "/boot/grub2/grub.cfg", err);
	if (r == 0)
		r = setup_script(&setup, &script, err);
	if (r < 0)
		return r;
	xml_open(xml, "scripts", NULL);
	xml_open(xml, "chroot-scripts", LIST);
	xml_open(xml, "script", NULL);
	yast_flag(xml, "chrooted", true);
	xml_text(xml, "filename", NULL, "nestctl-setup.sh");
	xml_text(xml, "interpreter", NULL, "shell");
	xml_text(xml, "source", NULL, script);
	xml_close(xml);
	xml_close(xml);
	xml_close(xml);
	return 0;
}

static int autoyast_emit(const struct answers_request *request, char **ret_text, struct err *err)
{
	const struct layer *layer = request->layer;
	const struct answers_release *common = NULL;
	CLEANUP(xml_done) struct xml xml = { 0 };
	int r = answers_begin(&autoyast_format, layer, &common, err);

	if (r < 0)
		return r;
	const struct suse_release *release = (const struct suse_release *)common;
	xml_begin(&xml, "Written by nestctl.", "profile");
	xml_open(&xml, "profile",
		 XML_ATTRIBUTES("xmlns", "http://www.suse.com/1.0/yast2ns", "xmlns:config",
				"http://www.suse.com/1.0/configns"));
	general(&xml, request->network);
	language(&xml, layer);
	yast_partitioning(&xml, &layer->disk);
	yast_bootloader(&xml, layer, common);
	add_ons(&xml, request, release);
	software(&xml, layer, release);
	yast_networking(&xml, layer);
	users(&xml, layer);
	services(&xml, layer, release);
	r = scripts(&xml, request, release, err);
	if (r < 0)
		return r;
	xml_close(&xml);
	*ret_text = str_copy(buf_str(&xml.text));
	return 0;
}

const struct answers_format autoyast_format = {
	.name = "autoyast",
	.family = OS_SUSE,
	.file_name = "autoinst.xml",
	.initrd_args = "autoyast=file:///autoinst.xml textmode=1 net.ifnames=0",
	.volume_label = "OEMDRV",
	.agent = true,
	.partitions = true,
	.powers_off = true,
	.limits = (const struct answers_limit[]){ { 0 } },
	.release = release_at,
	.keyboard = keyboard,
	.check = check,
	.emit = autoyast_emit,
};
