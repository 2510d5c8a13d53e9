/* Checks of where a layer comes from: packages, or its vendor's installer. */
#include <string.h>

#include "answers/answers.h"
#include "fetch/url.h"
#include "pattern/pattern.h"
#include "profile/check_rows.h"
#include "profile/yaml.h"

static bool from_packages(const struct check *check)
{
	return !layer_is_installed(check->layer) && check->layer->os_family == OS_DEBIAN &&
	       !check->request->answers_only;
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

	if (!layer_is_installed(layer) && layer->os_family != OS_DEBIAN &&
	    !check->request->answers_only)
		check_wrong(
			check, "install.medium",
			"found nothing; allowed for a layer of family %s is the ISO image of its "
			"installer: only debian is made directly from packages",
			os_family_name(layer->os_family));
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

	if (layer_is_installed(layer) || layer->os_family != OS_DEBIAN)
		answers_check_layer(layer, answers_format_of(layer->os_family), check->diagnostics);
}

const struct check_row source_checks[] = {
	{ check_release, { "pattern", "os.family", "os.release", "install.medium" } },
	{ check_groups, { "os.family", "os.release", "os.groups", "install.medium" } },
	{ check_extra, { "os.family", "disk.extra", "install.medium" } },
	{ check_no_installer, { "install" } },
	{ check_medium, { "os.family", "install.medium" } },
	{ check_sha256, { "install.medium", "install.sha256" } },
	{ check_answers,
	  { "hypervisor", "pattern", "os.family", "os.release", "os.groups", "os.mirror",
	    "machine.type", "disk", "install.medium", "boot.loader", "domain", "locale", "keymap",
	    "network", "root_password_hash" } },
	{ NULL, { NULL } },
};
