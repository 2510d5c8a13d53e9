#include "store/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/json.h"

#define MANIFEST_MAX_BYTES (8u << 20)

static int file_add(const char *folder, const char *name, json_t *files, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, name);
	char sha256[HASH_HEX_LENGTH + 1];
	struct stat status;
	int r = hash_file(path, sha256, err);

	if (r < 0)
		return r;
	if (stat(path, &status) < 0)
		return err_errno(err, errno, "%s: cannot be examined", path);
	json_array_append_new(files, json_pack("{s:s, s:I, s:s}", "name", name, "size_bytes",
					       (json_int_t)status.st_size, "sha256", sha256));
	return 0;
}

static int files_list(const char *folder, json_t *files, struct err *err)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, NULL, alphasort);
	int r = count < 0 ? err_errno(err, errno, "%s: cannot be read", folder) : 0;

	for (int i = 0; i < count; i++) {
		if (r == 0 && entries[i]->d_name[0] != '.' &&
		    !str_equal(entries[i]->d_name, MANIFEST_FILE))
			r = file_add(folder, entries[i]->d_name, files, err);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int manifest_write(const char *folder, const char *name, const struct inputs *inputs,
		   struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, MANIFEST_FILE);
	json_t *files = json_array(), *values = json_object();
	CLEANUP(json_cleanup)
	json_t *json = json_pack("{s:s, s:o, s:o}", "name", name, "files", files, "inputs", values);
	int r = files_list(folder, files, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < inputs->count; i++)
		json_object_set_new(values, inputs->items[i].name,
				    json_string(inputs->items[i].value));
	CLEANUP(free_cleanup) char *text = json_dumps(json, JSON_INDENT(2));
	if (!text)
		return err_set(err, -EILSEQ, "%s: a name in it is not UTF-8", path);
	return file_write(path, text, strlen(text), 0600, err);
}

static bool file_read_json(json_t *json, struct manifest *manifest)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *sha256 = json_string_value(json_object_get(json, "sha256"));
	json_t *size = json_object_get(json, "size_bytes");

	if (!name || strchr(name, '/') || !sha256 || strlen(sha256) != HASH_HEX_LENGTH ||
	    !json_is_integer(size))
		return false;
	manifest->files = mem_grow(manifest->files, manifest->count + 1, sizeof *manifest->files);
	struct manifest_file *file = &manifest->files[manifest->count++];
	*file = (struct manifest_file){
		.name = str_copy(name),
		.size_bytes = (uint64_t)json_integer_value(size),
	};
	memcpy(file->sha256, sha256, HASH_HEX_LENGTH + 1);
	return true;
}

int manifest_read(const char *folder, struct manifest *ret_manifest, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, MANIFEST_FILE);
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(manifest_done) struct manifest manifest = { 0 };
	size_t index;
	json_t *file;
	int r = file_read(path, MANIFEST_MAX_BYTES, &text, NULL, err);

	if (r < 0)
		return err_wrap(err, -EUCLEAN, "no manifest");
	CLEANUP(json_cleanup) json_t *json = json_loads(text, 0, NULL);
	const char *name = json_string_value(json_object_get(json, "name"));
	bool sound = name != NULL;
	json_array_foreach(json_object_get(json, "files"), index, file)
	{
		sound = sound && file_read_json(file, &manifest);
	}
	if (!sound || manifest.count == 0)
		return err_set(err, -EUCLEAN, "%s: is damaged", path);
	manifest.name = str_copy(name);
	*ret_manifest = manifest;
	manifest = (struct manifest){ 0 };
	return 0;
}

void manifest_done(struct manifest *manifest)
{
	for (size_t i = 0; i < manifest->count; i++)
		free(manifest->files[i].name);
	free(manifest->files);
	free(manifest->name);
	*manifest = (struct manifest){ 0 };
}

static int file_check(const char *folder, const struct manifest_file *file, bool deep,
		      struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, file->name);
	char sha256[HASH_HEX_LENGTH + 1];
	struct stat status;

	if (stat(path, &status) < 0)
		return err_set(err, -EUCLEAN, "%s: is missing", path);
	if ((uint64_t)status.st_size != file->size_bytes)
		return err_set(err, -EUCLEAN, "%s: has %lld bytes, not %llu", path,
			       (long long)status.st_size, (unsigned long long)file->size_bytes);
	if (!deep)
		return 0;
	int r = hash_file(path, sha256, err);
	if (r < 0)
		return err_wrap(err, -EUCLEAN, "cannot be read");
	if (!str_equal(sha256, file->sha256))
		return err_set(err, -EUCLEAN, "%s: its bytes changed since it was made", path);
	return 0;
}

int manifest_check(const char *folder, bool deep, struct err *err)
{
	CLEANUP(manifest_done) struct manifest manifest = { 0 };
	int r = manifest_read(folder, &manifest, err);

	for (size_t i = 0; r == 0 && i < manifest.count; i++)
		r = file_check(folder, &manifest.files[i], deep, err);
	return r;
}

uint64_t manifest_bytes(const struct manifest *manifest)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < manifest->count; i++)
		sum += manifest->files[i].size_bytes;
	return sum;
}
