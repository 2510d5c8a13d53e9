#include "compose/overlay.h"

#include <stdarg.h>
#include <string.h>

#include "base/str.h"
#include "compose/volumes.h"

static struct overlay_entry *entry_for(struct overlay *overlay, const char *path)
{
	for (size_t i = 0; i < overlay->count; i++) {
		if (!str_equal(overlay->entries[i].path, path))
			continue;
		free(overlay->entries[i].data);
		return &overlay->entries[i];
	}
	overlay->entries = mem_grow(overlay->entries, overlay->count + 1, sizeof *overlay->entries);
	struct overlay_entry *entry = &overlay->entries[overlay->count++];
	*entry = (struct overlay_entry){ .path = str_copy(path) };
	return entry;
}

void overlay_file(struct overlay *overlay, const char *path, const void *data, size_t length,
		  uint32_t mode)
{
	struct overlay_entry *entry = entry_for(overlay, path);

	entry->data = mem_alloc(length + 1);
	memcpy(entry->data, data, length);
	entry->length = length;
	entry->mode = mode;
}

void overlay_text(struct overlay *overlay, const char *path, uint32_t mode, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	CLEANUP(free_cleanup) char *text = str_vformat(format, args);
	va_end(args);
	overlay_file(overlay, path, text, strlen(text), mode);
}

void overlay_append(struct overlay *overlay, const char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	CLEANUP(free_cleanup) char *more = str_vformat(format, args);
	va_end(args);
	for (size_t i = 0; i < overlay->count; i++) {
		struct overlay_entry *entry = &overlay->entries[i];

		if (!str_equal(entry->path, path))
			continue;
		char *whole = str_format("%.*s%s", (int)entry->length, entry->data, more);
		free(entry->data);
		entry->data = whole;
		entry->length = strlen(whole);
	}
}

void overlay_link(struct overlay *overlay, const char *path, const char *target)
{
	overlay_file(overlay, path, target, strlen(target), 0);
}

void overlay_done(struct overlay *overlay)
{
	for (size_t i = 0; i < overlay->count; i++) {
		free(overlay->entries[i].path);
		free(overlay->entries[i].data);
	}
	free(overlay->entries);
	*overlay = (struct overlay){ 0 };
}

void overlay_hash(const struct overlay *overlay, struct hash *hash)
{
	for (size_t i = 0; i < overlay->count; i++) {
		const struct overlay_entry *entry = &overlay->entries[i];
		uint64_t numbers[] = { entry->mode, entry->length };

		hash_field(hash, "entry", entry->path);
		hash_add(hash, numbers, sizeof numbers);
		hash_add(hash, entry->data, entry->length);
	}
}

int overlay_apply(const struct overlay *overlay, struct volumes *volumes, struct err *err)
{
	for (size_t i = 0; i < overlay->count; i++) {
		const struct overlay_entry *entry = &overlay->entries[i];
		const char *below = NULL;
		struct fsys *fsys = volumes_resolve(volumes, entry->path, &below);
		int r = entry->mode == 0 ? fsys_put_symlink(fsys, below, entry->data, err)
					 : volumes_put(volumes, entry->path, entry->data,
						       entry->length, entry->mode, err);

		if (r < 0)
			return r;
	}
	return 0;
}
