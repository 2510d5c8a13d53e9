#include "emit/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "answers/answers.h"
#include "base/data.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "emit/product.h"
#include "plan/plan.h"

#define DISK		"l1.raw"
#define FOLDER		"emit"
#define MAKING		".emit-making"
#define CONVERT_SECONDS 3600

struct emission {
	const struct stack *stack;
	const struct layer *layer;
	char *disk;   /* out/NAME/l1.raw */
	char *making; /* the folder until it is whole */
	char *raw;    /* the copy of the disk in it that further ones are links to; or NULL */
	uint64_t disk_bytes;
	struct buf readme;
	struct buf left_out; /* its part on products that cannot run L1 */
};

static void emission_done(struct emission *emission)
{
	if (emission->making)
		tree_remove(emission->making, NULL);
	free(emission->disk);
	free(emission->making);
	free(emission->raw);
	buf_done(&emission->readme);
	buf_done(&emission->left_out);
}

int emit_check(const struct stack *stack, struct err *err)
{
	int r = -EINVAL;

	for (size_t i = 0; r < 0 && emit_product_at(i); i++)
		r = emit_product_check(emit_product_at(i), stack->layers[0], err);
	if (r == 0)
		err_clear(err);
	return r < 0 ? err_wrap(err, r, "--l0 emit: nothing can run this layer") : 0;
}

/* ---- the disk ---- */

/* The disks hold what others must not read, such as the hash of root's password: mode 0600, as the
 * product's. All raw ones are one file under several names; the product itself stays another. */
static int raw_put(struct emission *emission, const char *path, struct err *err)
{
	if (emission->raw && link(emission->raw, path) == 0)
		return 0;
	log_status("  copying the disk: %s", path_name(path));
	int r = file_copy_new(emission->disk, path, 0600, err);
	if (r == 0 && !emission->raw)
		emission->raw = str_copy(path);
	return r;
}

static int vhdx_put(const struct emission *emission, const char *path, struct err *err)
{
	/* writeback: the image is flushed at the end. */
	const char *argv[] = { "qemu-img", "convert",	"-f",		"raw",
			       "-O",	   "vhdx",	"-o",		"subformat=dynamic",
			       "-t",	   "writeback", emission->disk, path,
			       NULL };
	const struct spawn_options options = {
		.argv = argv,
		.purpose = "making the VHDX disk",
		.timeout_seconds = CONVERT_SECONDS,
	};

	log_status("  converting the disk: %s", path_name(path));
	/* qemu-img keeps the mode of a file that is there. */
	int r = file_write(path, "", 0, 0600, err);
	return r < 0 ? r : spawn_run(&options, NULL, err);
}

/* ---- a product ---- */

static int format_put(const struct emission *emission, const struct guest_format *format,
		      const char *folder, struct err *err)
{
	CLEANUP(free_cleanup)
	char *path = str_format("%s/%s%s", folder, emission->layer->name, format->suffix);
	CLEANUP(free_cleanup)
	char *text = guest_format_emit(format, emission->layer, emission->disk_bytes);

	return file_write(path, text, strlen(text), 0644, err);
}

static int readme_add(struct emission *emission, const char *name, struct err *err)
{
	CLEANUP(free_cleanup) char *template = str_format("emit/%s", name);
	CLEANUP(free_cleanup) char *text = NULL;
	const struct template_value values[] = {
		{ "STACK", emission->stack->name },
		{ "NAME", emission->layer->name },
		{ "MAC", emission->layer->machine.mac },
		{ "LEFT_OUT", buf_str(&emission->left_out) },
		{ NULL, NULL },
	};
	int r = template_render(template, values, &text, err);

	if (r == 0)
		buf_text(&emission->readme, text);
	return r;
}

static int product_put(struct emission *emission, const struct emit_product *product,
		       struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_join(emission->making, product->name);
	CLEANUP(free_cleanup)
	char *disk = str_format("%s/%s%s", folder, emission->layer->name, product->disk_suffix);
	int r = spawn_stop_signal() ? err_set(err, -EINTR, "stopped by a signal")
				    : dir_make(folder, 0755, err);

	for (size_t i = 0; r == 0 && i < EMIT_FORMATS && product->formats[i]; i++)
		r = format_put(emission, product->formats[i], folder, err);
	if (r == 0)
		r = product->vhdx ? vhdx_put(emission, disk, err) : raw_put(emission, disk, err);
	if (r == 0)
		r = dir_sync(folder, err);
	return r < 0 ? r : readme_add(emission, product->name, err);
}

static void product_leave_out(struct emission *emission, const struct emit_product *product,
			      const char *why)
{
	log_warn("%s is left out: %s", product->name, why);
	if (!emission->left_out.length)
		buf_text(&emission->left_out,
			 "\nNot written, because the product cannot run this layer:\n");
	buf_format(&emission->left_out, "\n%s: %s\n", product->name, why);
}

/* ---- all of it ---- */

/* Some vendors' systems take none. */
static bool has_agent(const struct layer *layer)
{
	return !layer_is_installed(layer) || answers_format_of(layer->os_family)->agent;
}

static int products_put(struct emission *emission, struct err *err)
{
	int r = readme_add(emission, "begin", err);

	for (size_t i = 0; r == 0 && emit_product_at(i); i++) {
		const struct emit_product *product = emit_product_at(i);
		struct err why = { 0 };

		if (emit_product_check(product, emission->layer, &why) < 0)
			product_leave_out(emission, product, why.text);
		else
			r = product_put(emission, product, err);
		err_clear(&why);
	}
	log_status("%s", "");
	return r < 0 ? r
		     : readme_add(emission, has_agent(emission->layer) ? "agent" : "no-agent", err);
}

static int readme_write(const struct emission *emission, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(emission->making, "README");

	return file_write(path, emission->readme.data, emission->readme.length, 0644, err);
}

/* The old folder and the new one change names at once. */
static int publish(struct emission *emission, const char *folder, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, FOLDER);

	if (rename(emission->making, path) < 0 &&
	    renameat2(AT_FDCWD, emission->making, AT_FDCWD, path, RENAME_EXCHANGE) < 0)
		return err_errno(err, errno, "%s: cannot be replaced", path);
	int r = dir_sync(folder, err);
	if (r == 0)
		log_info("wrote %s/README, and a folder beside it for every product", path);
	return r;
}

int emit_write(const struct stack *stack, const char *folder, struct err *err)
{
	CLEANUP(emission_done)
	struct emission emission = { .stack = stack, .layer = stack->layers[0] };
	CLEANUP(fd_cleanup) int lock = -1;
	struct stat status;
	int r = plan_lock_out(folder, &lock, err);

	if (r < 0)
		return r;
	emission.disk = path_join(folder, DISK);
	emission.making = path_join(folder, MAKING);
	if (stat(emission.disk, &status) < 0)
		return err_errno(err, errno, "%s: cannot be examined", emission.disk);
	emission.disk_bytes = (uint64_t)status.st_size;
	r = tree_remove(emission.making, err);
	if (r == 0)
		r = dir_make(emission.making, 0755, err);
	if (r == 0)
		r = products_put(&emission, err);
	if (r == 0)
		r = readme_write(&emission, err);
	return r < 0 ? r : publish(&emission, folder, err);
}
