#include "answers/values.h"

#include <stdlib.h>
#include <string.h>

#include "pattern/pattern.h"

/* Layouts by the names that profiles use (those of X), and what each system calls them. Sources:
 * YaST's keyboard_raw.ycp, ESXi's `keyboard` command, kbd's keymaps, Proxmox' answer file. */
static const struct {
	const char *keymap;
	const char *names[4]; /* by enum keyboard_system; NULL: it has none */
} keyboards[] = {
	{ "us", { "english-us", "US Default", "us", "en-us" } },
	{ "gb", { "english-uk", "United Kingdom", "uk", "en-gb" } },
	{ "uk", { "english-uk", "United Kingdom", "uk", "en-gb" } },
	{ "de", { "german", "German", "de-latin1", "de" } },
	{ "ch", { "german-ch", "Swiss German", "sg-latin1", "de-ch" } },
	{ "fr", { "french", "French", "fr-latin1", "fr" } },
	{ "es", { "spanish", "Spanish", "es", "es" } },
	{ "it", { "italian", "Italian", "it", "it" } },
	{ "jp", { "japanese", "Japanese", "jp106", "jp" } },
	{ "dk", { "danish", "Danish", "dk-latin1", "dk" } },
	{ "no", { "norwegian", "Norwegian", "no-latin1", "no" } },
	{ "se", { "swedish", "Swedish", "se-latin1", "se" } },
	{ "fi", { "finnish", "Finnish", "fi-latin1", "fi" } },
	{ "nl", { "dutch", NULL, "nl", "nl" } },
	{ "pl", { "polish", "Polish", "pl2", "pl" } },
	{ "pt", { "portugese", "Portuguese", "pt-latin1", "pt" } },
	{ "br", { "portugese-br", "Brazilian", "br-abnt2", "pt-br" } },
	{ "cz", { "czech", "Czech", "cz-lat2", NULL } },
	{ "ru", { "russian", "Russian", "ru", NULL } },
	{ "tr", { "turkish", "Turkish", "trq", "tr" } },
};

char *full_host_name(const struct layer *layer)
{
	return str_format("%s%s%s", layer->host_name, *layer->domain ? "." : "", layer->domain);
}

bool is_xen(const struct layer *layer)
{
	return layer->hypervisor == HYPERVISOR_XEN;
}

const char *installed_locale(const struct layer *layer)
{
	bool plain = str_equal(layer->locale, "POSIX") || str_equal(layer->locale, "C") ||
		     str_starts(layer->locale, "C.");

	return plain ? "en_US.UTF-8" : layer->locale;
}

const char *keyboard_name(const char *keymap, enum keyboard_system system)
{
	for (size_t i = 0; i < sizeof keyboards / sizeof *keyboards; i++)
		if (str_equal(keyboards[i].keymap, keymap))
			return keyboards[i].names[system];
	return NULL;
}

struct strv layer_packages(const struct layer *layer, const char *const *base)
{
	struct strv list = { 0 };

	strv_add_names(&list, base);
	for (size_t i = 0; i < layer->groups.count; i++)
		strv_add_names(&list, package_group(layer->groups.items[i], layer->os_family,
						    layer->release));
	strv_add_all(&list, &layer->packages);
	return list;
}
