/* Checks of where a layer comes from: packages, or its vendor's installer. */
#include <string.h>

#include "answers/answers.h"
#include "base/url_text.h"
#include "pattern/pattern.h"
#include "profile/check_rows.h"
#include "profile/yaml.h"

#define ESXI_VCPUS_MIN	      2
#define ESXI_MEMORY_MIN_BYTES (UINT64_C(4) << 30)

/* Does the pattern have packages for any release of the layer's family? */
static bool has_packages(const struct layer *layer)
{
	CLEANUP(free_cleanup) char *releases = pattern_releases(layer->pattern, layer->os_family);

	return *releases;
}

static bool from_packages(const struct check *check)
{
	return !layer_is_installed(check->layer) && !check->request->answers_only &&
	       (check->layer->os_family == OS_DEBIAN || has_packages(check->layer));
}

/* Its vendor's installer makes it. */
static bool by_answers(const struct check *check)
{
	return !from_packages(check) &&
	       (layer_is_installed(check->layer) || check->layer->os_family != OS_DEBIAN);
}

static void check_release(const struct check *check)
{
	const struct layer *layer = check->layer;
	CLEANUP(free_cleanup) char *releases = pattern_releases(layer->pattern, layer->os_family);

	if (from_packages(check) &&
	    !pattern_packages(layer->pattern, layer->os_family, layer->release))
		check_wrong(check, "os.release",
			    "found \"%s\", a release of %s for which pattern %s has no "
			    "packages; allowed is %s",
			    layer->release, os_family_name(layer->os_family), layer->pattern->name,
			    *releases ? releases : "another os.family");
}

static void check_groups(const struct check *check)
{
	const struct layer *layer = check->layer;
	CLEANUP(free_cleanup) char *names = package_group_names();

	for (size_t i = 0; from_packages(check) && i < layer->groups.count; i++)
		if (!package_group(layer->groups.items[i], layer->os_family, layer->release))
			check_wrong(check, "os.groups", "found \"%s\"; allowed is one of %s",
				    layer->groups.items[i], names);
}

static void check_extra(const struct check *check)
{
	if (from_packages(check) && check->layer->disk.extra.count > 0)
		check_wrong(check, "disk.extra",
			    "found further disks; allowed is none in a layer without an "
			    "install.medium");
}

/* What only an installer would have use for. */
static void check_no_installer(const struct check *check)
{
	static const char *const keys[] = { "install.sha256", "install.kernel_args",
					    "install.timeout" };

	if (layer_is_installed(check->layer) || check->request->answers_only)
		return;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const struct node *node = node_at(check->layer->map, keys[i]);

		if (node && node->kind == NODE_SCALAR && *node->text)
			check_wrong(
				check, keys[i],
				"found \"%s\"; allowed is none in a layer without an install.medium",
				node->text);
	}
}

static void check_medium(const struct check *check)
{
	const struct layer *layer = check->layer;
	const char *family = os_family_name(layer->os_family);
	bool local = answers_format_is_local(answers_format_of(layer->os_family));

	if (check->request->answers_only)
		return;
	if (!local)
		check_wrong(check, "os.family",
			    "found \"%s\", whose installer takes its answers from a server alone; "
			    "allowed in a stack is another one: print the answers with nestctl "
			    "answers, and install the layer by hand",
			    family);
	else if (!layer_is_installed(layer) && !from_packages(check))
		check_wrong(
			check, "install.medium",
			"found nothing; allowed for a layer of family %s with pattern %s is the ISO "
			"image of its installer: it is not made directly from packages",
			family, layer->pattern->name);
}

static bool is_remote(const char *mirrors)
{
	return str_starts(mirrors, "http") || strstr(mirrors, " http");
}

/* Whoever can change what a server sends must not be able to change the layer. */
static void check_repositories(const struct check *check)
{
	const struct layer *layer = check->layer;
	bool zypper = layer->os_family == OS_SUSE && from_packages(check);

	if (zypper && !*layer->mirror)
		check_wrong(check, "os.mirror",
			    "found nothing; allowed for a layer of family suse that is made "
			    "directly from packages are the URLs of its repositories");
	if (zypper && is_remote(layer->mirror) && !*layer->keyring)
		check_wrong(check, "os.keyring",
			    "found nothing; allowed for repositories over http and https is the "
			    "file of the public keys that they are signed with");
	if (!zypper && *layer->keyring && !by_answers(check) && !check->request->answers_only)
		check_wrong(check, "os.keyring",
			    "found \"%s\"; allowed is none but in a layer of family suse that is "
			    "made directly from packages",
			    layer->keyring);
}

/* Its installer stops with less, and says so on the screen alone. Source: VMware's "ESXi Hardware
 * Requirements". */
static void check_esxi_machine(const struct check *check)
{
	const struct machine_spec *machine = &check->layer->machine;
	CLEANUP(free_cleanup) char *memory = size_format(machine->memory_bytes);

	if (check->layer->os_family != OS_ESXI || check->request->answers_only ||
	    check->request->on_metal)
		return;
	if (machine->vcpus < ESXI_VCPUS_MIN)
		check_wrong(check, "machine.vcpus",
			    "found %u; allowed for the installer of ESXi are %d at least",
			    machine->vcpus, ESXI_VCPUS_MIN);
	if (machine->memory_bytes < ESXI_MEMORY_MIN_BYTES)
		check_wrong(check, "machine.memory",
			    "found %s; allowed for the installer of ESXi is 4GiB at least", memory);
}

static void check_sha256(const struct check *check)
{
	const struct install_spec *install = &check->layer->install;

	if (is_url(install->medium) && !*install->sha256)
		check_wrong(check, "install.sha256",
			    "found nothing; allowed for a medium that is fetched from a URL is its "
			    "SHA-256");
}

/* What its answer file cannot say is wrong here and now. */
static void check_answers(const struct check *check)
{
	const struct layer *layer = check->layer;

	if (by_answers(check))
		answers_check_layer(layer, answers_format_of(layer->os_family), check->diagnostics);
}

const struct check_row source_checks[] = {
	{ check_release, { "pattern", "os.family", "os.release", "install.medium" } },
	{ check_groups, { "os.family", "os.release", "os.groups", "install.medium" } },
	{ check_extra, { "os.family", "disk.extra", "install.medium" } },
	{ check_no_installer, { "install" } },
	{ check_medium, { "pattern", "os.family", "install.medium" } },
	{ check_repositories,
	  { "pattern", "os.family", "os.mirror", "os.keyring", "install.medium" } },
	{ check_esxi_machine, { "os.family", "machine.vcpus", "machine.memory" } },
	{ check_sha256, { "install.medium", "install.sha256" } },
	{ check_answers,
	  { "hypervisor", "pattern", "os.family", "os.release", "os.groups", "os.mirror",
	    "machine.type", "disk", "install.medium", "boot.loader", "domain", "locale", "keymap",
	    "network", "root_password_hash" } },
	{ NULL, { NULL } },
};
