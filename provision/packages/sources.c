#include "packages/sources.h"

void package_sources_add(struct package_sources *sources, const char *uri, const char *suite)
{
	sources->items = mem_grow(sources->items, sources->count + 1, sizeof *sources->items);
	sources->items[sources->count++] = (struct package_source){
		.uri = str_format("%s%s", uri, str_ends(uri, "/") ? "" : "/"),
		.suite = str_copy(suite),
	};
}

void package_sources_done(struct package_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		free(sources->items[i].uri);
		free(sources->items[i].suite);
		free(sources->items[i].proxy);
	}
	free(sources->items);
	*sources = (struct package_sources){ 0 };
}
