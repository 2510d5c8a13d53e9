#include "packages/proxy.h"

#include <string.h>

#include "base/spawn.h"

/* What a line "NAME VALUE" of the dump says, or NULL if there is none of that name; the caller
 * frees. */
static char *dump_value(const char *dump, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = dump; *line;) {
		size_t whole = strcspn(line, "\n");

		if (whole > length + 1 && strncmp(line, name, length) == 0 && line[length] == ' ')
			return str_format("%.*s", (int)(whole - length - 1), line + length + 1);
		line += whole + (line[whole] == '\n');
	}
	return NULL;
}

/* For a host first, then for all. */
static char *proxy_of(const char *dump, const char *scheme, const char *host)
{
	CLEANUP(free_cleanup) char *of_all = str_format("Acquire::%s::Proxy", scheme);
	CLEANUP(free_cleanup) char *of_host = str_format("%s::%s", of_all, host);
	char *proxy = dump_value(dump, of_host);

	return proxy ? proxy : dump_value(dump, of_all);
}

static void proxy_apply(const char *dump, struct package_source *source)
{
	bool https = str_starts(source->uri, "https://");
	const char *start = strstr(source->uri, "://");

	if (!start || (!https && !str_starts(source->uri, "http://")))
		return;
	CLEANUP(free_cleanup)
	char *host = str_format("%.*s", (int)strcspn(start + 3, ":/"), start + 3);
	char *proxy = https ? proxy_of(dump, "https", host) : NULL;
	if (!proxy)
		proxy = proxy_of(dump, "http", host);
	if (proxy && str_equal(proxy, "DIRECT"))
		*proxy = '\0';
	free(source->proxy);
	source->proxy = proxy;
}

void proxies_apply(const char *dump, struct package_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		proxy_apply(dump, &sources->items[i]);
}

int proxies_find(struct package_sources *sources, struct err *err)
{
	static const char *const argv[] = { "apt-config", "dump",	   "--format",
					    "%f %v%n",	  "Acquire::http", "Acquire::https",
					    NULL };
	const struct spawn_options options = { .argv = argv,
					       .purpose = "asking apt for its proxies" };
	CLEANUP(free_cleanup) char *dump = NULL;
	int r = spawn_run(&options, &dump, err);

	if (r == 0)
		proxies_apply(dump, sources);
	return r;
}
