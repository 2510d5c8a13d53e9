#include "profile/check.h"

#include <stdarg.h>
#include <string.h>

#include "profile/check_rows.h"
#include "profile/keys.h"

void check_wrong(const struct check *check, const char *key, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	key_wrong(check->layer, key, check->diagnostics, format, args);
	va_end(args);
}

bool check_known(const struct stack_check *request, const struct layer *layer,
		 const char *const *keys)
{
	size_t index = 0;

	while (request->stack->layers[index] != layer)
		index++;
	for (; *keys; keys++) {
		size_t length = strlen(*keys);

		for (size_t i = 0; i < request->wrong[index].count; i++) {
			const char *wrong = request->wrong[index].items[i];

			if (str_starts(wrong, *keys) && (!wrong[length] || wrong[length] == '.'))
				return false;
		}
	}
	return true;
}

/* ---- between all layers ---- */

static bool given(const char *text)
{
	return text && *text;
}

/* A MAC that was derived from the name is not what is wrong with two layers of one name. */
static bool mac_of_one_name(const char *key, const struct layer *one, const struct layer *other)
{
	return str_equal(key, "machine.mac") && str_equal(one->name, other->name);
}

/* An address is the same whatever prefix length stands behind it. */
static bool same_value(const char *one, const char *other)
{
	size_t length = strcspn(one, "/");

	return length == strcspn(other, "/") && strncmp(one, other, length) == 0;
}

static void check_unique(const struct stack_check *request, const char *key,
			 const char *(*value_of)(const struct layer *layer),
			 struct diagnostics *diagnostics)
{
	const char *const keys[] = { key, NULL };
	struct layer *const *layers = request->stack->layers;

	for (size_t i = 0; i < request->stack->layer_count; i++) {
		const struct check check = { layers[i], request, diagnostics };
		const char *value = value_of(layers[i]);

		for (size_t j = 0; given(value) && check_known(request, layers[i], keys) && j < i;
		     j++) {
			const char *other = value_of(layers[j]);

			if (!given(other) || !same_value(value, other) ||
			    !check_known(request, layers[j], keys) ||
			    mac_of_one_name(key, layers[i], layers[j]))
				continue;
			check_wrong(&check, key,
				    "found \"%s\", which %s has too; allowed is one that "
				    "no other layer has",
				    value,
				    str_equal(key, "name") ? "another layer" : layers[j]->name);
		}
	}
}

static const char *name_of(const struct layer *layer)
{
	return layer->name;
}

static const char *mac_of(const struct layer *layer)
{
	return layer->machine.mac;
}

static const char *address_of(const struct layer *layer)
{
	return layer->network.address;
}

void stack_check(const struct stack_check *request, struct diagnostics *diagnostics)
{
	static const struct check_row *const tables[] = { layer_checks, source_checks, disk_checks,
							  nested_checks };

	for (size_t i = 0; i < request->stack->layer_count; i++) {
		const struct check check = { request->stack->layers[i], request, diagnostics };

		for (size_t j = 0; j < sizeof tables / sizeof *tables; j++)
			for (const struct check_row *row = tables[j]; row->run; row++)
				if (check_known(request, check.layer, row->keys))
					row->run(&check);
	}
	check_unique(request, "name", name_of, diagnostics);
	check_unique(request, "machine.mac", mac_of, diagnostics);
	check_unique(request, "network.address", address_of, diagnostics);
}
