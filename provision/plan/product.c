#include "plan/product.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "image/undo.h"

#define RECORD_MAX_BYTES (1u << 20)
#define IMAGE		 "l1.raw"
#define RECORD		 "l1.json"
#define MAKING		 ".making"
#define UNDO		 "undo"

static char *making_path(const char *out, const char *name)
{
	return str_format("%s/" MAKING "/%s", out, name);
}

/* "out/.making/undo/2", "out/undo/2". */
static char *undo_path(const char *folder, size_t index)
{
	return str_format("%s/" UNDO "/%zu", folder, index);
}

/* ---- the record ---- */

/* What tells a written image from an unwritten one; "" if it is not there. The caller frees. */
static char *image_identity(const char *out)
{
	CLEANUP(free_cleanup) char *path = path_join(out, IMAGE);
	struct stat status;

	if (stat(path, &status) < 0)
		return str_copy("");
	return str_format("%jd bytes, written %jd.%09ld", (intmax_t)status.st_size,
			  (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

static void hash_copy(json_t *json, const char *name, char hash[HASH_HEX_LENGTH + 1])
{
	const char *value = json_string_value(json_object_get(json, name));

	if (value && strlen(value) == HASH_HEX_LENGTH)
		memcpy(hash, value, HASH_HEX_LENGTH + 1);
}

void product_add(struct product *product, const char *key)
{
	product->layers = mem_grow(product->layers, product->count + 1, sizeof *product->layers);
	struct product_layer *layer = &product->layers[product->count++];
	*layer = (struct product_layer){ 0 };
	memcpy(layer->key, key, sizeof layer->key);
}

bool product_has(const struct product *product, size_t index, const char *key)
{
	return index < product->count && str_equal(product->layers[index].key, key);
}

void product_read(const char *out, struct product *ret_product)
{
	CLEANUP(free_cleanup) char *path = path_join(out, RECORD);
	CLEANUP(free_cleanup) char *identity = image_identity(out);
	CLEANUP(free_cleanup) char *text = NULL;
	size_t index;
	json_t *item;

	if (file_read(path, RECORD_MAX_BYTES, &text, NULL, NULL) < 0)
		return;
	CLEANUP(json_cleanup) json_t *json = json_loads(text, 0, NULL);
	const char *recorded = json_string_value(json_object_get(json, "image"));
	if (!recorded || !str_equal(recorded, identity)) {
		ret_product->lack = *identity ? "its image was written to after the build"
					      : "its image is no longer there";
		return;
	}
	json_array_foreach(json_object_get(json, "layers"), index, item)
	{
		char key[HASH_HEX_LENGTH + 1] = "";

		hash_copy(item, "key", key);
		product_add(ret_product, key);
		hash_copy(item, "undo", ret_product->layers[index].undo);
	}
}

void product_done(struct product *product)
{
	free(product->layers);
	*product = (struct product){ 0 };
}

static int record_write(const char *out, const struct product *product, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(out, RECORD);
	CLEANUP(free_cleanup) char *identity = image_identity(out);
	CLEANUP(json_cleanup)
	json_t *json = json_pack("{s:s, s:o}", "image", identity, "layers", json_array());

	for (size_t i = 0; i < product->count; i++)
		json_array_append_new(json_object_get(json, "layers"),
				      json_pack("{s:s, s:s}", "key", product->layers[i].key, "undo",
						product->layers[i].undo));
	CLEANUP(free_cleanup) char *text = json_dumps(json, JSON_INDENT(2));
	return file_write(path, text, strlen(text), 0644, err);
}

/* From here to record_write nobody takes the image for a finished one. */
static int record_remove(const char *out, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(out, RECORD);

	if (unlink(path) == 0)
		return dir_sync(out, err);
	return errno == ENOENT ? 0 : err_errno(err, errno, "%s: cannot be removed", path);
}

/* ---- making ---- */

int product_clear(const char *out, struct err *err)
{
	CLEANUP(free_cleanup) char *making = path_join(out, MAKING);

	return tree_remove(making, err);
}

static int making_prepare(const char *out, struct err *err)
{
	CLEANUP(free_cleanup) char *undo = making_path(out, UNDO);
	int r = product_clear(out, err);

	return r < 0 ? r : dir_make(undo, 0700, err);
}

int product_begin(const char *out, char **ret_path, struct err *err)
{
	int r = making_prepare(out, err);

	if (r == 0)
		*ret_path = making_path(out, IMAGE);
	return r;
}

char *product_scratch(const char *out)
{
	return making_path(out, "scratch.raw");
}

static int file_move(const char *from, const char *to, struct err *err)
{
	if (rename(from, to) < 0)
		return err_errno(err, errno, "%s: cannot become %s", from, to);
	return 0;
}

/* A copy that somebody made as a hard link would change with it. */
static int only_name_check(struct image *image, struct err *err)
{
	struct stat status;

	if (fstat(image_fd(image), &status) < 0)
		return err_errno(err, errno, "%s: cannot be examined", image_path(image));
	if (status.st_nlink > 1)
		return err_set(err, -EBUSY, "%s: has another name", image_path(image));
	return 0;
}

/* Off with its final name, for good: what is written into it from here on may reach the disk before
 * a rename does. */
static int image_take_back(const char *out, const char *path, const char *making, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_join(out, MAKING);
	int r = file_move(path, making, err);

	if (r == 0)
		r = dir_sync(folder, err);
	return r < 0 ? r : dir_sync(out, err);
}

static int undos_check(const char *out, const struct product *product, size_t kept, struct err *err)
{
	for (size_t i = kept; i < product->count; i++) {
		CLEANUP(free_cleanup) char *path = undo_path(out, i);
		char hash[HASH_HEX_LENGTH + 1] = "";

		if (!*product->layers[i].undo)
			return err_set(err, -EBADMSG, "%s: was not kept", path);
		int r = hash_file(path, hash, err);
		if (r == 0 && !str_equal(hash, product->layers[i].undo))
			r = err_set(err, -EBADMSG, "%s: is not what the build wrote", path);
		if (r < 0)
			return r;
	}
	return 0;
}

int product_reopen(const char *out, struct product *product, size_t kept_layers,
		   struct image **ret_image, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(out, IMAGE);
	CLEANUP(free_cleanup) char *making = making_path(out, IMAGE);
	CLEANUP(image_cleanup) struct image *image = NULL;
	int r = image_open(path, true, &image, err);

	if (r == 0)
		r = only_name_check(image, err);
	if (r == 0)
		r = undos_check(out, product, kept_layers, err);
	if (r == 0)
		r = making_prepare(out, err);
	if (r == 0)
		r = record_remove(out, err);
	if (r == 0)
		r = image_take_back(out, path, making, err);
	while (r == 0 && product->count > kept_layers) {
		CLEANUP(free_cleanup) char *undo = undo_path(out, --product->count);

		r = undo_apply(image, undo, product->layers[product->count].undo, err);
	}
	if (r < 0)
		return r;
	*ret_image = take(&image);
	return 0;
}

int product_layer_begin(const char *out, struct image *image, size_t index, struct undo **ret_undo,
			struct err *err)
{
	CLEANUP(free_cleanup) char *making = path_join(out, MAKING);
	CLEANUP(free_cleanup) char *path = undo_path(making, index);
	int r = undo_begin(path, ret_undo, err);

	if (r == 0)
		image_set_undo(image, *ret_undo);
	return r;
}

int product_layer_end(struct image *image, struct undo *undo, struct product_layer *layer,
		      struct err *err)
{
	image_set_undo(image, NULL);
	int r = undo_finish(undo, layer->undo, err);
	if (r != -EFBIG)
		return r;
	err_clear(err);
	layer->undo[0] = '\0';
	return 0;
}

/* ---- publishing ---- */

static int file_sync(const char *path, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "%s: cannot be synced", path);
	return 0;
}

/* Those of layers that were kept are in their place already. A lost or stale one is found by its
 * hash. */
static int undos_publish(const char *out, const struct product *product, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_join(out, UNDO);
	CLEANUP(free_cleanup) char *making = path_join(out, MAKING);
	int r = dir_make(folder, 0700, err);

	for (size_t i = 0; r == 0 && i < product->count; i++) {
		CLEANUP(free_cleanup) char *from = undo_path(making, i);
		CLEANUP(free_cleanup) char *to = undo_path(out, i);

		if (path_exists(from))
			r = file_move(from, to, err);
	}
	return r;
}

int product_publish(const char *out, const struct product *product, struct err *err)
{
	CLEANUP(free_cleanup) char *making = making_path(out, IMAGE);
	CLEANUP(free_cleanup) char *path = path_join(out, IMAGE);
	int r = file_sync(making, err);

	if (r == 0)
		r = record_remove(out, err);
	if (r == 0)
		r = undos_publish(out, product, err);
	if (r == 0)
		r = file_move(making, path, err);
	if (r == 0)
		r = dir_sync(out, err);
	return r < 0 ? r : record_write(out, product, err);
}
