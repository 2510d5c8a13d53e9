/* Where packages of a release come from. */
#pragma once
#include "base/err.h"
#include "base/str.h"

struct package_source {
	char *uri;   /* ends with a slash */
	char *suite; /* "bookworm-security" */
	char *proxy; /* NULL: what the environment says; "": none */
};

/* A zeroed struct is an empty one; package_sources_done frees. */
struct package_sources {
	struct package_source *items;
	size_t count;
};

void package_sources_add(struct package_sources *sources, const char *uri, const char *suite);
void package_sources_done(struct package_sources *sources);
