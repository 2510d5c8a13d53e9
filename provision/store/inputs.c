#include "store/inputs.h"

#include "base/cleanup.h"

void inputs_add(struct inputs *inputs, const char *name, const char *value)
{
	inputs->items = mem_grow(inputs->items, inputs->count + 1, sizeof *inputs->items);
	inputs->items[inputs->count++] =
		(struct input){ .name = str_copy(name), .value = str_copy(value) };
}

void inputs_add_number(struct inputs *inputs, const char *name, int64_t value)
{
	CLEANUP(free_cleanup) char *text = str_format("%lld", (long long)value);

	inputs_add(inputs, name, text);
}

void inputs_add_hash(struct inputs *inputs, const char *name, const char *text)
{
	struct hash *hash = hash_new();
	char hex[HASH_HEX_LENGTH + 1];

	hash_field(hash, name, text);
	hash_finish_hex(hash, hex);
	inputs_add(inputs, name, hex);
}

void inputs_done(struct inputs *inputs)
{
	for (size_t i = 0; i < inputs->count; i++) {
		free(inputs->items[i].name);
		free(inputs->items[i].value);
	}
	free(inputs->items);
	*inputs = (struct inputs){ 0 };
}

const char *inputs_value(const struct inputs *inputs, const char *name)
{
	for (size_t i = 0; i < inputs->count; i++)
		if (str_equal(inputs->items[i].name, name))
			return inputs->items[i].value;
	return NULL;
}

void inputs_key(const struct inputs *inputs, char ret_key[HASH_HEX_LENGTH + 1])
{
	struct hash *hash = hash_new();

	for (size_t i = 0; i < inputs->count; i++)
		hash_field(hash, inputs->items[i].name, inputs->items[i].value);
	hash_finish_hex(hash, ret_key);
}

char *inputs_changed(const struct inputs *before, const struct inputs *now)
{
	CLEANUP(strv_done) struct strv names = { 0 };

	for (size_t i = 0; i < now->count; i++)
		if (!str_equal(inputs_value(before, now->items[i].name), now->items[i].value))
			strv_add(&names, now->items[i].name);
	for (size_t i = 0; i < before->count; i++)
		if (!inputs_value(now, before->items[i].name))
			strv_add(&names, before->items[i].name);
	return strv_join(&names, ", ");
}
