/* Kickstart: ks.cfg of Red Hat's Anaconda. Source: the kickstart reference of RHEL 7, 8 and 9,
 * pykickstart's documentation. Nothing of a profile can hold a line of its own, so nothing can end
 * a section. */
#include <errno.h>
#include <string.h>

#include "answers/escape.h"
#include "answers/formats.h"
#include "answers/setup.h"
#include "answers/values.h"
#include "compose/names.h"

#define MIB	   (UINT64_C(1) << 20)
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct redhat_release {
	struct answers_release common;
	const char *utc; /* how `timezone` says that the clock keeps UTC */
	const char *const *base, *const *xen;
	bool xen_elsewhere; /* Xen is in a repository of its own, which os.mirror must name */
};

#define MENU "/boot/grub2/grub.cfg"

#define LATER WORDS("@^minimal-environment", "openssh-server")

/* GRUB 2 under UEFI only where its menu is /boot/grub2/grub.cfg as on a BIOS. */
static const struct redhat_release releases[] = {
	{ { "centos7", "CentOS 7", "1 5 6", .major = "7", .products = WORDS("CentOS"),
	    .unlike = WORDS("CentOS Stream"), .xen = true },
	  "--isUtc",
	  WORDS("@^minimal", "openssh-server"),
	  WORDS("xen", "kernel", "bridge-utils"),
	  true },
	{ { "rocky8", "Rocky Linux 8", "1 5 6 y", .major = "8", .products = WORDS("Rocky"),
	    .xen = false },
	  "--isUtc",
	  LATER,
	  NULL,
	  false },
	{ { "rocky9", "Rocky Linux 9", "5 6 y", .major = "9", .products = WORDS("Rocky"),
	    .uefi = true },
	  "--utc",
	  LATER,
	  NULL,
	  false },
	{ { "alma8", "AlmaLinux 8", "1 5 6 y", .major = "8", .products = WORDS("Alma"),
	    .xen = false },
	  "--isUtc",
	  LATER,
	  NULL,
	  false },
	{ { "alma9", "AlmaLinux 9", "5 6 y", .major = "9", .products = WORDS("Alma"),
	    .uefi = true },
	  "--utc",
	  LATER,
	  NULL,
	  false },
	{ { "fedora", "Fedora", "5 6 y", .products = WORDS("Fedora"), .xen = true, .uefi = true },
	  "--utc",
	  WORDS("@core", "openssh-server"),
	  WORDS("xen"),
	  false },
};

#define RELEASES (sizeof releases / sizeof *releases)

static const struct answers_release *release_at(size_t index)
{
	return index < RELEASES ? &releases[index].common : NULL;
}

static void check(const struct answers_check *check)
{
	const struct redhat_release *release = (const struct redhat_release *)check->release;

	if (is_xen(check->layer) && release->xen_elsewhere && !*check->layer->mirror)
		answers_wrong(check, "os.mirror",
			      "found nothing; allowed for a Xen host with %s is the URL of a "
			      "repository that has Xen and its kernel: the distribution has none",
			      check->release->title);
	answers_need_mounts(check);
}

static void word(struct buf *text, const char *option, const char *value)
{
	buf_text(text, option);
	escape_kickstart(value, text);
}

static void sources(const struct answers_request *request, struct buf *text)
{
	const struct layer *layer = request->layer;
	CLEANUP(free_cleanup) char *mirrors = str_copy(layer->mirror);
	char *rest = NULL, *mirror = strtok_r(mirrors, " ", &rest);

	/* With a CD-ROM, mirrors bring what it has not. */
	if (request->network) {
		word(text, "url --url=", request->network->repository);
		buf_text(text, "\n");
	} else if (!request->no_cdrom && (*layer->install.medium || !mirror)) {
		buf_text(text, "cdrom\n");
	} else {
		word(text, "url --url=", mirror);
		buf_text(text, "\n");
		mirror = strtok_r(NULL, " ", &rest);
	}
	for (unsigned i = 1; mirror; mirror = strtok_r(NULL, " ", &rest), i++) {
		buf_format(text, "repo --name=nestctl-%u ", i);
		word(text, "--baseurl=", mirror);
		buf_text(text, "\n");
	}
}

static void network(const struct layer *layer, struct buf *text)
{
	const struct network_spec *network = &layer->network;
	CLEANUP(free_cleanup) char *name = full_host_name(layer);
	CLEANUP(free_cleanup) char *dns = strv_join(&network->dns, ",");

	word(text, "network --device=", address_interface(layer));
	if (layer->role == ROLE_HOST)
		buf_text(text, " --bridgeslaves=eth0 --bridgeopts=stp=no,forward-delay=0");
	if (network->mode == ADDRESS_STATIC) {
		CLEANUP(free_cleanup) char *ip = address_ip(network);
		CLEANUP(free_cleanup) char *netmask = address_netmask(network);

		buf_format(text, " --bootproto=static --ip=%s --netmask=%s", ip, netmask);
	} else {
		buf_text(text, " --bootproto=dhcp");
	}
	if (*network->gateway)
		buf_format(text, " --gateway=%s", network->gateway);
	if (*dns)
		buf_format(text, " --nameserver=%s", dns);
	buf_text(text, " --onboot=yes --activate --noipv6");
	word(text, " --hostname=", name);
	buf_text(text, "\n");
}

static void partitions(const struct disk_spec *disk, struct buf *text)
{
	buf_format(text,
		   "ignoredisk --only-use=sda\nzerombr\n"
		   "clearpart --all --initlabel --drives=sda%s\n",
		   disk->table == TABLE_GPT ? " --disklabel=gpt" : "");
	for (size_t i = 0; i < disk->partition_count; i++) {
		const struct partition_spec *spec = &disk->partitions[i];
		bool swap = spec->filesystem == FILESYSTEM_SWAP;
		bool esp = spec->filesystem == FILESYSTEM_VFAT;

		word(text, "part ", swap ? "swap" : spec->mount_point);
		buf_format(text, " --ondisk=sda --fstype=%s",
			   esp ? "efi" : filesystem_kind_name(spec->filesystem));
		if (spec->size_bytes == PARTITION_REST)
			buf_text(text, " --size=1 --grow");
		else
			buf_format(text, " --size=%llu",
				   (unsigned long long)(spec->size_bytes / MIB));
		if (!esp)
			buf_text(text, " --asprimary");
		if (*spec->label)
			word(text, " --label=", spec->label);
		buf_text(text, "\n");
	}
}

static void commands(const struct answers_request *request, const struct redhat_release *release,
		     struct buf *text)
{
	const struct layer *layer = request->layer;
	CLEANUP(free_cleanup) char *args = linux_arguments(layer);
	CLEANUP(free_cleanup) char *services = strv_join(&layer->services, ",");

	buf_text(text, "text\n");
	sources(request, text);
	word(text, "lang ", installed_locale(layer));
	word(text, "\nkeyboard --xlayouts=", layer->keymap);
	word(text, "\ntimezone ", layer->time_zone);
	buf_format(text, " %s\n", release->utc);
	network(layer, text);
	if (*layer->root_password_hash)
		word(text, "rootpw --iscrypted ", layer->root_password_hash);
	else
		buf_text(text, "rootpw --lock");
	buf_text(text, "\nfirewall --disabled\nselinux --permissive\nfirstboot --disable\n"
		       "eula --agreed\n");
	buf_format(text, "services --enabled=sshd%s%s\n", *services ? "," : "", services);
	partitions(&layer->disk, text);
	buf_format(text, "bootloader --boot-drive=sda --timeout=%u ", layer->menu_timeout_seconds);
	word(text, "--append=", args);
	buf_text(text, request->network ? "\nreboot\n" : "\npoweroff\n");
}

static void packages(const struct layer *layer, const struct redhat_release *release,
		     struct buf *text)
{
	CLEANUP(strv_done) struct strv names = layer_packages(layer, release->base);

	if (is_xen(layer))
		strv_add_names(&names, release->xen);
	buf_text(text, "\n%packages\n");
	for (size_t i = 0; i < names.count; i++)
		buf_format(text, "%s\n", names.items[i]);
	buf_text(text, "%end\n");
}

/* Kickstart has no word for routes; NetworkManager runs this when the interface is up. */
static void routes(const struct layer *layer, struct setup *setup)
{
	const struct strv *list = &layer->network.routes;
	CLEANUP(buf_done) struct buf text = { 0 };

	if (list->count == 0)
		return;
	buf_format(&text, "#!/bin/sh\n# Written by nestctl.\n[ \"$1 $2\" = '%s up' ] || exit 0\n",
		   address_interface(layer));
	for (size_t i = 0; i < list->count; i++)
		buf_format(&text, "ip route replace %s\n", list->items[i]);
	overlay_text(&setup->files, "/etc/NetworkManager/dispatcher.d/50-nestctl-routes", 0755,
		     "%s", buf_str(&text));
}

static int post(const struct answers_request *request, struct buf *text, struct err *err)
{
	const struct layer *layer = request->layer;
	CLEANUP(setup_done) struct setup setup = { 0 };
	CLEANUP(free_cleanup) char *defaults = setup_grub_defaults(layer);
	CLEANUP(free_cleanup) char *script = NULL;

	routes(layer, &setup);
	overlay_text(&setup.files, "/etc/nestctl/grub-defaults", 0644, "%s", defaults);
	buf_text(&setup.commands, "cat /etc/nestctl/grub-defaults >> /etc/default/grub\n"
				  "grub2-mkconfig -o " MENU "\n");
	int r = setup_layer(&setup, request, INIT_SYSTEMD, true, err);
	if (r == 0 && is_xen(layer))
		r = setup_xen_default(&setup, MENU, err);
	if (r == 0)
		r = setup_script(&setup, &script, err);
	if (r == 0)
		buf_format(text, "\n%%post --erroronfail --log=/root/nestctl-setup.log\n%s%%end\n",
			   script);
	return r;
}

static int kickstart_emit(const struct answers_request *request, char **ret_text, struct err *err)
{
	const struct answers_release *common = NULL;
	CLEANUP(buf_done) struct buf text = { 0 };
	int r = answers_begin(&kickstart_format, request->layer, &common, err);

	if (r == 0 && request->no_cdrom && !request->network && !*request->layer->mirror)
		r = err_set(err, -EINVAL,
			    "%s: os.mirror: found nothing; allowed for an install.medium that is a "
			    "folder is the URL of an installation tree: no machine can be given a "
			    "folder (or name an image)",
			    request->layer->name);
	if (r < 0)
		return r;
	const struct redhat_release *release = (const struct redhat_release *)common;
	buf_format(&text, "# Written by nestctl, for %s.\n", common->title);
	commands(request, release, &text);
	packages(request->layer, release, &text);
	r = post(request, &text, err);
	if (r == 0)
		*ret_text = str_copy(buf_str(&text));
	return r;
}

const struct answers_format kickstart_format = {
	.name = "kickstart",
	.family = OS_REDHAT,
	.file_name = "ks.cfg",
	.initrd_args = "inst.ks=file:/ks.cfg inst.text net.ifnames=0",
	.volume_label = "OEMDRV",
	.agent = true,
	.partitions = true,
	.powers_off = true,
	.limits = (const struct answers_limit[]){ { 0 } },
	.release = release_at,
	.check = check,
	.emit = kickstart_emit,
};
