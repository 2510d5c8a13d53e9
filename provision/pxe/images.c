/* Order and recovery: a stream's facts are taken away before it is made anew, and written after it,
 * so that facts never speak of another stream.
 */
#include "pxe/images.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "pxe/images_internal.h"
#include "run/preflight.h"

#define FACTS_MAX_BYTES 4096
#define STREAM		"disk.zst"
#define FACTS		"disk.json"

/* ---- plans ---- */

void machine_plan_done(struct machine_plan *plan)
{
	plan_free(plan->plan);
	lock_done(&plan->lock);
}

int images_plan(const struct lab_images *images, const struct stack *stack, const char *out,
		struct machine_plan *ret_plan, struct err *err)
{
	CLEANUP(free_cleanup) char *path = lock_path_default(stack->path);
	bool locked = path_exists(path);
	int r = locked ? lock_read(path, &ret_plan->lock, err) : 0;

	if (r < 0)
		return r;
	const struct plan_request request = {
		.stack = stack,
		.store = images->request.store,
		.lock = locked ? &ret_plan->lock : NULL,
		.out = out,
		.offline = images->request.offline,
	};
	return plan_make(&request, &ret_plan->plan, err);
}

char *images_machine_folder(const struct lab_images *images, const struct lab_machine *machine)
{
	return path_join(images->folder, machine->name);
}

static char *machine_file(const struct lab_images *images, const struct lab_machine *machine,
			  const char *name)
{
	return str_format("%s/%s/%s", images->folder, machine->name, name);
}

/* ---- a machine's stream ---- */

static const char *image_key(const struct plan *plan)
{
	return plan->steps[plan->count - 1]->key;
}

/* False if the stream is not there, or not of such an image. */
static bool facts_read(const struct lab_images *images, const struct lab_machine *machine,
		       const char *key, struct image_facts *ret_facts)
{
	CLEANUP(free_cleanup) char *path = machine_file(images, machine, FACTS);
	CLEANUP(free_cleanup) char *stream = machine_file(images, machine, STREAM);
	CLEANUP(free_cleanup) char *text = NULL;
	struct stat status;

	if (file_read(path, FACTS_MAX_BYTES, &text, NULL, NULL) < 0 || stat(stream, &status) < 0)
		return false;
	CLEANUP(json_cleanup) json_t *json = json_loads(text, 0, NULL);
	const char *made = json_string_value(json_object_get(json, "key"));
	const char *sha256 = json_string_value(json_object_get(json, "sha256"));
	const char *uuid = json_string_value(json_object_get(json, "boot_uuid"));
	json_int_t disk = json_integer_value(json_object_get(json, "disk_bytes"));
	json_int_t bytes = json_integer_value(json_object_get(json, "stream_bytes"));
	if (!str_equal(made, key) || !sha256 || !hash_is_hex(sha256) || disk <= 0 ||
	    bytes != (json_int_t)status.st_size || !uuid || strlen(uuid) >= PROBE_UUID_BYTES)
		return false;
	*ret_facts = (struct image_facts){ .stream = { .disk_bytes = (uint64_t)disk,
						       .stream_bytes = (uint64_t)bytes } };
	memcpy(ret_facts->stream.sha256, sha256, sizeof ret_facts->stream.sha256);
	memcpy(ret_facts->boot_uuid, uuid, strlen(uuid) + 1);
	return true;
}

static int facts_write(const struct lab_images *images, const struct lab_machine *machine,
		       const char *key, const struct image_facts *facts, struct err *err)
{
	CLEANUP(free_cleanup) char *path = machine_file(images, machine, FACTS);
	CLEANUP(json_cleanup)
	json_t *json = json_pack("{s:s, s:I, s:I, s:s, s:s}", "key", key, "disk_bytes",
				 (json_int_t)facts->stream.disk_bytes, "stream_bytes",
				 (json_int_t)facts->stream.stream_bytes, "sha256",
				 facts->stream.sha256, "boot_uuid", facts->boot_uuid);
	CLEANUP(free_cleanup) char *text = json_dumps(json, JSON_INDENT(2));

	return file_write(path, text, strlen(text), 0600, err);
}

static int facts_remove(const struct lab_images *images, const struct lab_machine *machine,
			struct err *err)
{
	CLEANUP(free_cleanup) char *folder = images_machine_folder(images, machine);
	CLEANUP(free_cleanup) char *path = machine_file(images, machine, FACTS);

	if (unlink(path) == 0)
		return dir_sync(folder, err);
	return errno == ENOENT ? 0 : err_errno(err, errno, "%s: cannot be removed", path);
}

/* Before minutes are spent; of the first stack alone, for its programs are those of the others. */
static int builder_look(struct lab_images *images, const struct stack *stack, const char *out,
			struct err *err)
{
	CLEANUP(preflight_done) struct preflight found = { 0 };
	CLEANUP(buf_done) struct buf lines = { 0 };
	const struct preflight_request request = {
		.stack = stack,
		.store = store_path(images->request.store),
		.out = out,
		.build_only = true,
		.on_xen = true, /* nothing of it runs here */
	};
	int r = images->looked ? 0 : preflight_check(&request, &found, err);

	images->looked = true;
	if (r < 0 || preflight_ok(&found))
		return r;
	for (size_t i = 0; i < found.count; i++)
		if (found.findings[i].state == FINDING_MISSING)
			buf_format(&lines, "\n  %s: %s (%s)", found.findings[i].what,
				   found.findings[i].detail, found.findings[i].cure);
	return err_set(err, -ENOENT, "images cannot be built here:%s", buf_str(&lines));
}

static int stream_make(struct lab_images *images, const struct lab_machine *machine,
		       struct plan *plan, struct image_facts *facts, struct err *err)
{
	const struct build_options options = { .accel = images->request.accel, .resume = true };
	CLEANUP(free_cleanup) char *image = machine_file(images, machine, "l1.raw");
	CLEANUP(free_cleanup) char *stream = machine_file(images, machine, STREAM);
	double start = clock_seconds();
	int r = plan_build(plan, &options, err);

	if (r == 0)
		r = facts_remove(images, machine, err);
	if (r == 0)
		r = image_boot_uuid(image, facts->boot_uuid, err);
	if (r == 0)
		r = stream_pack(image, stream, &facts->stream, err);
	if (r == 0)
		r = facts_write(images, machine, image_key(plan), facts, err);
	if (r == 0)
		log_info("%s: image of %" PRIu64 " MiB packed to %" PRIu64 " MiB, %.1f s in all",
			 machine->name, facts->stream.disk_bytes >> 20,
			 facts->stream.stream_bytes >> 20, clock_seconds() - start);
	return r;
}

static int machine_make(struct lab_images *images, const struct lab_machine *machine,
			struct err *err)
{
	struct image_facts *facts = &images->facts[machine - images->request.lab->machines];
	CLEANUP(free_cleanup) char *out = images_machine_folder(images, machine);
	CLEANUP(machine_plan_done) struct machine_plan plan = { 0 };
	int r = images_plan(images, machine->stack, out, &plan, err);

	if (r < 0)
		return r;
	images_tree_look(images, plan.plan, machine);
	if (facts_read(images, machine, image_key(plan.plan), facts))
		return 0;
	log_info("%s: its image is made", machine->name);
	r = builder_look(images, machine->stack, out, err);
	if (r < 0)
		return r;
	return stream_make(images, machine, plan.plan, facts, err);
}

/* ---- all of them ---- */

static int machines_make(struct lab_images *images, struct err *err)
{
	const struct lab *lab = images->request.lab;
	int r = 0;

	for (size_t i = 0; r == 0 && i < lab->machine_count; i++) {
		const struct lab_machine *machine = &lab->machines[i];

		if (machine->way != LAB_IMAGE)
			continue;
		r = machine_make(images, machine, err);
		if (r < 0)
			return err_wrap(err, r, "machine %s", machine->name);
	}
	return r;
}

int lab_images_make(const struct lab_images_request *request, struct lab_images **ret_images,
		    struct err *err)
{
	CLEANUP(lab_images_cleanup) struct lab_images *images = mem_alloc(sizeof *images);

	images->request = *request;
	images->lock = images->tree_hold = -1;
	images->folder = str_copy(request->out);
	images->facts = mem_alloc((request->lab->machine_count + 1) * sizeof *images->facts);
	int r = dir_make(images->folder, 0700, err);
	if (r == 0)
		r = plan_lock_out(images->folder, &images->lock, err);
	if (r == -EBUSY)
		err_set(err, r,
			"%s: another nestctl is at work with this lab; wait for it, or "
			"use another --out",
			images->folder);
	if (r == 0)
		r = machines_make(images, err);
	if (r == 0)
		*ret_images = take(&images);
	return r;
}

void lab_images_free(struct lab_images *images)
{
	if (!images)
		return;
	fd_cleanup(&images->tree_hold);
	fd_cleanup(&images->lock);
	free(images->tree);
	free(images->facts);
	free(images->folder);
	free(images);
}

void lab_images_cleanup(struct lab_images **images)
{
	lab_images_free(*images);
}

/* ---- what others ask ---- */

const char *lab_images_folder(const struct lab_images *images)
{
	return images->folder;
}

const struct stream_facts *lab_image_facts(const struct lab_images *images,
					   const struct lab_machine *machine)
{
	const struct image_facts *facts = &images->facts[machine - images->request.lab->machines];

	return *facts->stream.sha256 ? &facts->stream : NULL;
}

const char *lab_image_boot_uuid(const struct lab_images *images, const struct lab_machine *machine)
{
	return images->facts[machine - images->request.lab->machines].boot_uuid;
}

int lab_image_open(const struct lab_images *images, const struct lab_machine *machine,
		   struct err *err)
{
	CLEANUP(free_cleanup) char *path = machine_file(images, machine, STREAM);

	if (!lab_image_facts(images, machine))
		return err_set(err, -ENOENT, "%s: has no image", machine->name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, errno, "%s: cannot be opened", path) : fd;
}
