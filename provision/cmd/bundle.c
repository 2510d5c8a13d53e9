#include "cmd/bundle.h"

#include <errno.h>
#include <string.h>

#include "base/data.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "bundle/lab.h"
#include "bundle/pack.h"
#include "cmd/build_request.h"
#include "store/packages.h"

static const struct option_row options[] = {
	{ "output", 'o', "FILE", "the archive (default: NAME.tar.zst, NAME of the stack)" },
	{ "lock", 0, "FILE", "the lock file (default: beside STACK, as STACK.lock)" },
	OPTION_STORE,
	{ NULL, 0, NULL, NULL },
};

struct bundle {
	const struct build_request *request;
	const char *lock_path;
	char *work;  /* a folder of ours: the lab and the README */
	char *stack; /* the stack file, relative to the lab */
	struct pack *pack;
};

static void bundle_done(struct bundle *bundle)
{
	if (bundle->work)
		tree_remove(bundle->work, NULL);
	free(bundle->work);
	free(bundle->stack);
	pack_cleanup(&bundle->pack);
}

static const char *name_of(const struct bundle *bundle)
{
	return bundle->request->stack->name;
}

/* Has what the lock file names in the store. */
static int packages_bring(const struct build_request *request, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < request->plan->first_compose; i++) {
		const struct step *step = request->plan->steps[i];
		const struct base_options base = { .store = request->store,
						   .locked = step->locked };

		r = base_fetch(&step->base, &base, err);
	}
	return r;
}

/* ---- what goes in ---- */

static int readme_write(const struct bundle *bundle, const char *path, struct err *err)
{
	CLEANUP(free_cleanup) char *stack_path = str_format("lab/%s", bundle->stack);
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(buf_done) struct buf word = { 0 };

	buf_shell(&word, stack_path);
	const struct template_value values[] = {
		{ "NAME", name_of(bundle) },
		{ "STACK_PATH", buf_str(&word) },
		{ NULL, NULL },
	};
	int r = template_render("bundle/README", values, &text, err);

	return r < 0 ? r : file_write(path, text, strlen(text), 0644, err);
}

static int lab_make(struct bundle *bundle, struct err *err)
{
	int r = temp_dir(NULL, &bundle->work, err);

	if (r < 0)
		return r;
	CLEANUP(free_cleanup) char *lab = path_join(bundle->work, "lab");
	CLEANUP(free_cleanup) char *readme = path_join(bundle->work, "README");
	r = dir_make(lab, 0755, err);
	if (r == 0)
		r = lab_gather(bundle->request->stack, bundle->lock_path, lab, &bundle->stack, err);
	return r < 0 ? r : readme_write(bundle, readme, err);
}

static char *inner_name(const struct bundle *bundle, const char *name)
{
	return str_format("%s/%s", name_of(bundle), name);
}

static int file_pack(struct bundle *bundle, const char *from, const char *name, struct err *err)
{
	CLEANUP(free_cleanup) char *inner = inner_name(bundle, name);

	return pack_file(bundle->pack, from, inner, err);
}

/* The program, and what it reads. */
static int program_pack(struct bundle *bundle, struct err *err)
{
	CLEANUP(free_cleanup) char *agent = NULL;
	CLEANUP(free_cleanup) char *templates = NULL;
	CLEANUP(free_cleanup) char *inner = inner_name(bundle, "templates");
	int r = data_path("nestctl-agent", &agent, err);

	if (r == 0)
		r = data_path("templates", &templates, err);
	if (r == 0)
		r = file_pack(bundle, "/proc/self/exe", "nestctl", err);
	if (r == 0)
		r = file_pack(bundle, agent, "nestctl-agent", err);
	return r < 0 ? r : pack_tree(bundle->pack, templates, inner, err);
}

static int lab_pack(struct bundle *bundle, struct err *err)
{
	CLEANUP(free_cleanup) char *lab = path_join(bundle->work, "lab");
	CLEANUP(free_cleanup) char *readme = path_join(bundle->work, "README");
	CLEANUP(free_cleanup) char *inner = inner_name(bundle, "lab");
	int r = file_pack(bundle, readme, "README", err);

	return r < 0 ? r : pack_tree(bundle->pack, lab, inner, err);
}

static void hashes_find(const struct build_request *request, struct strv *hashes)
{
	for (size_t i = 0; i < request->plan->first_compose; i++) {
		const struct package_list *list = request->plan->steps[i]->locked;

		for (size_t j = 0; j < list->count; j++)
			strv_add(hashes, list->items[j].sha256);
	}
	strv_sort(hashes);
}

static int packages_pack(struct bundle *bundle, struct err *err)
{
	CLEANUP(strv_done) struct strv hashes = { 0 };
	int r = 0;

	hashes_find(bundle->request, &hashes);
	for (size_t i = 0; r == 0 && i < hashes.count; i++) {
		CLEANUP(free_cleanup)
		char *from = store_package_path(bundle->request->store, hashes.items[i]);
		CLEANUP(free_cleanup)
		char *name = str_format("store/" PACKAGES_KIND "/%s.deb", hashes.items[i]);

		log_status("  packing: %zu of %zu packages", i, hashes.count);
		r = spawn_stop_signal() ? err_set(err, -EINTR, "stopped by a signal")
					: file_pack(bundle, from, name, err);
	}
	log_status("%s", "");
	return r;
}

static int all_pack(struct bundle *bundle, const char *path, struct err *err)
{
	CLEANUP(fd_cleanup) int lock = -1;
	uint64_t bytes = 0;
	int r = lab_make(bundle, err);

	if (r == 0)
		r = store_packages_hold(bundle->request->store, &lock, err);
	if (r == 0)
		r = packages_bring(bundle->request, err);
	if (r == 0)
		r = pack_open(path, &bundle->pack, err);
	if (r == 0)
		r = lab_pack(bundle, err);
	if (r == 0)
		r = program_pack(bundle, err);
	if (r == 0)
		r = packages_pack(bundle, err);
	if (r == 0)
		r = pack_publish(bundle->pack, &bytes, err);
	if (r == 0)
		log_info("wrote %s (%.0f MiB)", path, (double)bytes / (1 << 20));
	return r;
}

/* Vendors' media may not be handed on with a lab. */
static int media_refuse(const struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->first_compose; i++)
		if (plan->steps[i]->kind == STEP_MEDIUM)
			return err_set(
				err, -EINVAL,
				"%s: is installed from %s, which a bundle cannot hold: take the "
				"stack file, the profiles and the medium to the other machine",
				plan->steps[i]->layer->name, plan->steps[i]->makes);
	return 0;
}

static int bundle_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(build_request_done) struct build_request request = { 0 };
	CLEANUP(bundle_done) struct bundle bundle = { .request = &request };
	const char *output = argument(arguments, "output"), *lock = argument(arguments, "lock");
	CLEANUP(free_cleanup)
	char *lock_path = lock ? str_copy(lock) : lock_path_default(arguments->rest[0]);
	int r = build_request_load(arguments, &request, err);

	if (r < 0)
		return r;
	r = media_refuse(request.plan, err);
	if (r < 0)
		return r;
	if (!request.plan->lock)
		return err_set(err, -EINVAL,
			       "%s: is not there, and a bundle is made from a lock file: run "
			       "nestctl lock %s",
			       lock_path, arguments->rest[0]);
	CLEANUP(free_cleanup)
	char *path = output ? str_copy(output) : str_format("%s.tar.zst", request.stack->name);
	bundle.lock_path = lock_path;
	r = file_check_out(path, err);
	if (r < 0)
		return r;
	spawn_stop_fd();
	return all_pack(&bundle, path, err);
}

const struct command bundle_command = {
	.name = "bundle",
	.synopsis = "STACK [--output FILE] [--lock FILE] [--store DIR]",
	.summary = "Packs all that a machine without a network needs to build a stack",
	.options = options,
	.min_rest = 1,
	.max_rest = 1,
	.run = bundle_run,
};
