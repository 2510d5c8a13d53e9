#include "run/preflight_report.h"

#include <jansson.h>

static const char *const state_names[] = { "ok", "note", "missing" };

void preflight_add(struct preflight *preflight, enum finding_state state, const char *what,
		   const char *detail, const char *cure, const char *package)
{
	preflight->findings =
		mem_grow(preflight->findings, preflight->count + 1, sizeof *preflight->findings);
	preflight->findings[preflight->count++] = (struct finding){
		.state = state,
		.what = str_copy(what),
		.detail = str_copy(detail),
		.cure = str_copy(cure ? cure : ""),
		.package = str_copy(package ? package : ""),
	};
}

bool preflight_ok(const struct preflight *preflight)
{
	for (size_t i = 0; i < preflight->count; i++)
		if (preflight->findings[i].state == FINDING_MISSING)
			return false;
	return true;
}

static void finding_print(const struct finding *finding, FILE *out)
{
	fprintf(out, "%-8s %-32s %s\n", state_names[finding->state], finding->what,
		finding->detail);
	if (*finding->cure)
		fprintf(out, "%-8s %-32s -> %s\n", "", "", finding->cure);
}

void preflight_print(const struct preflight *preflight, FILE *out)
{
	for (size_t i = 0; i < preflight->count; i++)
		finding_print(&preflight->findings[i], out);
}

void preflight_print_missing(const struct preflight *preflight, FILE *out)
{
	for (size_t i = 0; i < preflight->count; i++)
		if (preflight->findings[i].state == FINDING_MISSING)
			finding_print(&preflight->findings[i], out);
}

char *preflight_json(const struct preflight *preflight)
{
	json_t *root = json_object(), *findings = json_array();

	for (size_t i = 0; i < preflight->count; i++) {
		const struct finding *finding = &preflight->findings[i];

		json_array_append_new(findings,
				      json_pack("{s:s,s:s,s:s,s:s,s:s}", "state",
						state_names[finding->state], "what", finding->what,
						"detail", finding->detail, "cure", finding->cure,
						"package", finding->package));
	}
	json_object_set_new(root, "ok", json_boolean(preflight_ok(preflight)));
	json_object_set_new(root, "kvm", json_boolean(preflight->kvm));
	json_object_set_new(root, "findings", findings);
	char *text = json_dumps(root, JSON_INDENT(2));
	json_decref(root);
	return text;
}

void preflight_done(struct preflight *preflight)
{
	for (size_t i = 0; i < preflight->count; i++) {
		free(preflight->findings[i].what);
		free(preflight->findings[i].detail);
		free(preflight->findings[i].cure);
		free(preflight->findings[i].package);
	}
	free(preflight->findings);
	*preflight = (struct preflight){ 0 };
}
