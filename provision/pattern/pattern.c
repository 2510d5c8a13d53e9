#include "pattern/pattern.h"

#include "pattern/patterns.h"

static const struct pattern *const patterns[] = {
	&xen_host_pattern,
	&guest_pattern,
	&leaf_pattern,
};

static const struct {
	const char *name;
	enum os_family_id family;
	const char *const *packages;
} groups[] = {
	{ "file-server", OS_DEBIAN, (const char *const[]){ "nfs-kernel-server", "samba", NULL } },
	{ "web-server", OS_DEBIAN,
	  (const char *const[]){ "apache2", "mariadb-server", "php", "libapache2-mod-php", NULL } },
	{ "development", OS_DEBIAN,
	  (const char *const[]){ "gcc", "g++", "make", "gdb", "libc6-dev", NULL } },
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

const char *const *package_group(const char *name, enum os_family_id family)
{
	for (size_t i = 0; i < GROUPS; i++)
		if (groups[i].family == family && str_equal(groups[i].name, name))
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
