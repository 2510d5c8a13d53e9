#include "pattern/pattern.h"

#include "pattern/patterns.h"

static const struct pattern *const patterns[] = {
	&xen_host_pattern,
	&guest_pattern,
	&leaf_pattern,
};

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* The first row that fits counts. SUSE's patterns are written as zypper takes them, Red Hat's
 * groups as dnf does. Fedora has no group for file servers. */
static const struct {
	const char *name;
	enum os_family_id family;
	const char *release; /* NULL: every other release of the family */
	const char *const *packages;
} groups[] = {
	{ "file-server", OS_DEBIAN, NULL, WORDS("nfs-kernel-server", "samba") },
	{ "web-server", OS_DEBIAN, NULL,
	  WORDS("apache2", "mariadb-server", "php", "libapache2-mod-php") },
	{ "development", OS_DEBIAN, NULL, WORDS("gcc", "g++", "make", "gdb", "libc6-dev") },

	{ "file-server", OS_SUSE, NULL, WORDS("pattern:file_server") },
	{ "web-server", OS_SUSE, NULL, WORDS("pattern:lamp_server") },
	{ "development", OS_SUSE, "sles11sp4", WORDS("pattern:Basis-Devel", "gcc-c++") },
	{ "development", OS_SUSE, "sles12", WORDS("pattern:Basis-Devel", "gcc-c++") },
	{ "development", OS_SUSE, "sles15", WORDS("pattern:devel_basis", "gcc-c++") },
	{ "development", OS_SUSE, NULL, WORDS("pattern:devel_basis", "pattern:devel_C_C++") },

	{ "file-server", OS_REDHAT, "fedora", WORDS("nfs-utils", "samba") },
	{ "file-server", OS_REDHAT, NULL, WORDS("@file-server", "samba") },
	{ "web-server", OS_REDHAT, NULL, WORDS("@web-server", "mariadb-server", "php") },
	{ "development", OS_REDHAT, "fedora", WORDS("@development-tools", "@c-development") },
	{ "development", OS_REDHAT, NULL, WORDS("@development") },
};

#define PATTERNS (sizeof patterns / sizeof *patterns)
#define GROUPS	 (sizeof groups / sizeof *groups)

const struct pattern *pattern_at(size_t index)
{
	return index < PATTERNS ? patterns[index] : NULL;
}

const struct pattern *pattern_find(const char *name)
{
	for (size_t i = 0; i < PATTERNS; i++)
		if (str_equal(patterns[i]->name, name))
			return patterns[i];
	return NULL;
}

char *pattern_names(void)
{
	CLEANUP(strv_done) struct strv names = { 0 };

	for (size_t i = 0; i < PATTERNS; i++)
		strv_add(&names, patterns[i]->name);
	return strv_join(&names, ", ");
}

char *pattern_names_for(enum role role)
{
	CLEANUP(strv_done) struct strv names = { 0 };

	for (size_t i = 0; i < PATTERNS; i++)
		if (patterns[i]->role == role)
			strv_add(&names, patterns[i]->name);
	return strv_join(&names, ", ");
}

char *pattern_releases(const struct pattern *pattern, enum os_family_id family)
{
	CLEANUP(strv_done) struct strv names = { 0 };

	for (const struct pattern_packages *row = pattern->packages; row->packages; row++)
		if (row->family == family)
			strv_add(&names, row->release ? row->release : "any");
	return strv_join(&names, ", ");
}

const char *const *pattern_packages(const struct pattern *pattern, enum os_family_id family,
				    const char *release)
{
	for (const struct pattern_packages *row = pattern->packages; row->packages; row++)
		if (row->family == family && (!row->release || str_equal(row->release, release)))
			return row->packages;
	return NULL;
}

const char *const *package_group(const char *name, enum os_family_id family, const char *release)
{
	for (size_t i = 0; i < GROUPS; i++)
		if (groups[i].family == family && str_equal(groups[i].name, name) &&
		    (!groups[i].release || str_equal(groups[i].release, release)))
			return groups[i].packages;
	return NULL;
}

char *package_group_names(void)
{
	CLEANUP(strv_done) struct strv names = { 0 };

	for (size_t i = 0; i < GROUPS; i++)
		strv_add(&names, groups[i].name);
	strv_sort(&names);
	return strv_join(&names, ", ");
}
