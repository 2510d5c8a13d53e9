/* Debian by mmdebstrap. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/data.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "os/family.h"
#include "os/work_folder.h"
#include "packages/fetch.h"
#include "packages/lock.h"
#include "packages/repository.h"
#include "packages/resolve.h"
#include "pattern/pattern.h"

#define BOOTSTRAP_SECONDS 1800
#define OS_RELEASE_BYTES  65536

/* A tree at work, with the packages and apt's lists in it, has some seven times their bytes. */
#define TREE_TO_PACKAGES 8

/* "bookworm" on Debian 12; empty where the file does not say. The caller frees. */
static char *machine_codename(void)
{
	CLEANUP(free_cleanup) char *text = NULL;
	const char *name = "VERSION_CODENAME=";

	if (file_read("/etc/os-release", OS_RELEASE_BYTES, &text, NULL, NULL) < 0)
		return str_copy("");
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (str_starts(line, name))
			return str_copy(line + strlen(name));
	return str_copy("");
}

/* One line of apt's list of index targets: "URI SUITE COMPONENT ORIGIN". */
static void source_add(char *line, const char *codename, const char *release,
		       struct package_sources *sources)
{
	char *rest = NULL;
	const char *uri = strtok_r(line, " ", &rest);
	const char *suite = strtok_r(NULL, " ", &rest);
	const char *component = strtok_r(NULL, " ", &rest);
	const char *origin = strtok_r(NULL, " ", &rest);

	if (!origin || !str_equal(origin, "Debian") || !str_equal(component, "main") ||
	    !str_starts(suite, codename))
		return;
	CLEANUP(free_cleanup)
	char *of_release = str_format("%s%s", release, suite + strlen(codename));
	package_sources_add(sources, uri, of_release);
}

/* This machine's own apt sources, with the release's name in place of its own. */
static int machine_sources(const char *release, struct package_sources *sources, struct err *err)
{
	const char *argv[] = { "apt-get",
			       "indextargets",
			       "--format",
			       "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)",
			       "Identifier: Packages",
			       NULL };
	const struct spawn_options options = { .argv = argv,
					       .purpose = "asking apt for its mirrors" };
	CLEANUP(free_cleanup) char *codename = machine_codename();
	CLEANUP(free_cleanup) char *output = NULL;
	char *rest = NULL;
	int r = *codename ? spawn_run(&options, &output, err) : 0;

	if (r < 0)
		return r;
	for (char *line = output ? strtok_r(output, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest))
		source_add(line, codename, release, sources);
	if (sources->count == 0)
		return err_set(err, -ENOENT,
			       "this machine's apt has no Debian mirror (or has not read its lists "
			       "yet): name one as os.mirror in the profile, or run apt-get update");
	return 0;
}

/* context: a base_request. */
static int sources_find(const void *context, struct package_sources *ret_sources, struct err *err)
{
	const struct base_request *request = context;
	CLEANUP(free_cleanup) char *mirrors = str_copy(request->mirror);
	char *rest = NULL;

	for (char *mirror = strtok_r(mirrors, " ", &rest); mirror;
	     mirror = strtok_r(NULL, " ", &rest))
		package_sources_add(ret_sources, mirror, request->release);
	return ret_sources->count ? 0 : machine_sources(request->release, ret_sources, err);
}

/* ---- packages ---- */

static int debian_resolve(const struct base_request *request, const struct base_options *options,
			  struct package_list *ret_list, struct err *err)
{
	CLEANUP(package_sources_done) struct package_sources sources = { 0 };
	CLEANUP(strv_done) struct strv packages = { 0 };
	int r = sources_find(request, &sources, err);

	if (r < 0)
		return r;
	/* What mmdebstrap takes for a tree that can be configured. The essential packages would
	 * take usrmerge, and with it all of perl, where nobody asks for the other. */
	if (!request->extract) {
		strv_add(&packages, "?essential");
		strv_add(&packages, "apt");
		strv_add(&packages, "usr-is-merged");
	}
	strv_add_all(&packages, &request->packages);
	const struct resolve_request resolve = {
		.sources = &sources,
		.packages = &packages,
		.log_path = options->log_path,
		.root = options->lists,
	};
	log_status("  %s %s: resolving packages", request->name, request->release);
	r = packages_resolve(&resolve, ret_list, err);
	log_status("%s", "");
	return r;
}

/* The packages of the tree, in the store; ret_list is what they are. */
static int packages_get(const struct base_request *request, const struct base_options *options,
			struct package_list *ret_list, struct err *err)
{
	CLEANUP(free_cleanup)
	char *purpose = str_format("bootstrap %s %s", request->name, request->release);
	int r = 0;

	if (options->locked)
		package_list_copy(options->locked, ret_list);
	else if (options->offline)
		r = err_set(err, -ENOENT,
			    "the store has no such tree, and without a lock file nobody knows "
			    "its packages offline: build once without --offline, or make a lock "
			    "file with nestctl lock");
	else
		r = debian_resolve(request, options, ret_list, err);
	const struct fetch_request fetch = {
		.store = options->store,
		.packages = ret_list,
		.sources_find = sources_find,
		.context = request,
		.offline = options->offline,
		.purpose = purpose,
	};
	return r < 0 ? r : packages_fetch(&fetch, err);
}

static int debian_fetch(const struct base_request *request, const struct base_options *options,
			struct err *err)
{
	CLEANUP(package_list_done) struct package_list list = { 0 };

	return packages_get(request, options, &list, err);
}

/* ---- the tree ---- */

#define SETUP_HOOK     "setup-hook"
#define CUSTOMIZE_HOOK "customize-hook"

static int hook_read(const char *name, char **ret_text, size_t *ret_length, struct err *err)
{
	CLEANUP(free_cleanup) char *source = str_format("templates/debian/%s", name);

	return data_read(source, ret_text, ret_length, err);
}

static int hook_inputs(const struct base_request *request, struct inputs *inputs, struct err *err)
{
	static const char *const hooks[] = { SETUP_HOOK, CUSTOMIZE_HOOK };

	(void)request;
	for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++) {
		CLEANUP(free_cleanup) char *text = NULL;
		int r = hook_read(hooks[i], &text, NULL, err);

		if (r < 0)
			return r;
		inputs_add_hash(inputs, hooks[i], text);
	}
	return 0;
}

/* Hook scripts lie in a folder that the mapped root of a user namespace can read: a home folder
 * may be closed to it. */
static int hook_copy(const char *name, const char *stage, const char *folder, struct strv *argv,
		     struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, name);
	CLEANUP(free_cleanup) char *text = NULL;
	size_t length = 0;
	int r = hook_read(name, &text, &length, err);

	if (r < 0)
		return r;
	r = file_write(path, text, length, 0755, err);
	if (r < 0)
		return r;
	strv_format(argv, "--%s-hook=%s", stage, path);
	return 0;
}

static void exclude_add(struct strv *argv, const char *const *paths)
{
	for (; paths && *paths; paths++)
		strv_format(argv, "--dpkgopt=path-exclude=%s", *paths);
}

static int argv_make(const struct base_request *request, const char *folder, const char *repository,
		     const char *tar_path, struct strv *argv, struct err *err)
{
	bool extract = request->extract;
	CLEANUP(free_cleanup) char *packages = strv_join(&request->packages, ",");
	int r;

	strv_add(argv, "mmdebstrap");
	strv_format(argv, "--variant=%s", extract ? "extract" : "apt");
	strv_add(argv, "--format=tar");
	strv_add(argv, "--architectures=amd64");
	strv_add(argv, "--aptopt=APT::Install-Recommends \"false\"");
	strv_add(argv, "--dpkgopt=force-confold");
	strv_add(argv, "--dpkgopt=force-unsafe-io");
	exclude_add(argv, unread_paths);
	exclude_add(argv, request->excluded_paths);
	strv_format(argv, "--include=%s", packages);
	r = hook_copy(SETUP_HOOK, "setup", folder, argv, err);
	/* What is only extracted has no later stage. */
	if (r == 0)
		r = hook_copy(CUSTOMIZE_HOOK, extract ? "extract" : "customize", folder, argv, err);
	if (r < 0)
		return r;
	strv_add(argv, request->release);
	strv_add(argv, tar_path);
	strv_format(argv, "deb [trusted=yes] copy://%s ./", repository);
	return 0;
}

/* The same packages give the same tree, whenever it is made: what has no time of its own gets the
 * newest package's. */
static void env_make(const struct base_request *request, int64_t newest_seconds, struct strv *env)
{
	struct buf modules = { 0 };

	for (const char *const *name = request->initramfs_modules; name && *name; name++)
		buf_format(&modules, "%s ", *name);
	strv_format(env, "NESTCTL_MODULES=%s", buf_str(&modules));
	strv_format(env, "NESTCTL_LOCALE=%s", request->locale);
	strv_format(env, "NESTCTL_MERGED_USR=%s", request->extract ? "" : "yes");
	strv_format(env, "SOURCE_DATE_EPOCH=%" PRId64, newest_seconds);
	strv_add(env, "INITRD=No"); /* read by initramfs-tools' kernel hook */
	strv_add(env, "LC_ALL=C.UTF-8");
	buf_done(&modules);
}

/* Bytes that making the tree takes. */
static uint64_t work_bytes(const struct package_list *packages)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < packages->count; i++)
		bytes += packages->items[i].size_bytes;
	return TREE_TO_PACKAGES * bytes;
}

static void line_show(void *context, const char *line)
{
	const struct base_request *request = context;

	if (str_starts(line, "I: "))
		log_status("  bootstrap %s %s: %s", request->name, request->release, line + 3);
}

/* In the child. mmdebstrap of root mounts /proc, /sys and /dev/shm below its tree where everybody
 * sees them: users' namespaces could not bind /dev/shm meanwhile, and once it was killed the mounts
 * would stay and lead whoever removes the tree into the machine's own folders. In a namespace of
 * their own they end with it. Root that may have none cannot mount either. Where "/" is no mount
 * point (EINVAL: a plain chroot) they cannot be kept apart, but trees can be made. */
static int mounts_apart(void *context)
{
	(void)context;
	if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 && errno != EINVAL)
		return -errno;
	return 0;
}

/* folder: for hooks and packages; the mapped root of a user namespace can read it. */
static int tree_make(const struct base_request *request, const struct base_options *options,
		     const char *folder, const char *tar_path, const struct package_list *packages,
		     struct err *err)
{
	CLEANUP(free_cleanup) char *repository = path_join(folder, "packages");
	CLEANUP(strv_done) struct strv argv = { 0 }, env = { 0 };
	CLEANUP(work_folder_cleanup) char *memory = NULL;
	int64_t newest_seconds = 0;
	int r = repository_make(options->store, packages, repository, &newest_seconds, err);

	if (r == 0)
		r = argv_make(request, folder, repository, tar_path, &argv, err);
	if (r < 0)
		return r;
	env_make(request, newest_seconds, &env);
	/* dpkg syncs thousands of times: in memory that costs nothing. */
	work_folder_make(work_bytes(packages), &memory);
	if (memory)
		strv_format(&env, "TMPDIR=%s", memory);
	const struct spawn_options spawn = {
		.argv = (const char *const *)argv.items,
		.env = (const char *const *)env.items,
		.log_path = options->log_path,
		.purpose = "bootstrapping the base tree",
		.timeout_seconds = BOOTSTRAP_SECONDS,
		.on_line = line_show,
		.in_child = mounts_apart,
		.context = (void *)(uintptr_t)request,
	};
	r = spawn_run(&spawn, NULL, err);
	log_status("%s", "");
	return r;
}

/* What the tree was made from, beside it. */
static int packages_write(const struct base_request *request, const struct package_list *packages,
			  const char *folder, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, "packages.json");
	CLEANUP(free_cleanup) char *name = str_format("%s %s", request->name, request->release);
	CLEANUP(lock_done) struct lock lock = { 0 };
	char key[HASH_HEX_LENGTH + 1] = "";

	package_list_hash(packages, key);
	package_list_copy(packages, &lock_add(&lock, name, key)->packages);
	return lock_write(path, &lock, err);
}

static int debian_bootstrap(const struct base_request *request, const struct base_options *options,
			    const char *folder, struct err *err)
{
	CLEANUP(package_list_done) struct package_list packages = { 0 };
	CLEANUP(free_cleanup) char *tar_path = path_join(folder, "tree.tar");
	CLEANUP(free_cleanup) char *work = NULL;
	CLEANUP(fd_cleanup) int lock = -1;
	int r = store_packages_hold(options->store, &lock, err);

	if (r == 0)
		r = packages_get(request, options, &packages, err);
	if (r == 0)
		r = temp_dir(NULL, &work, err);
	if (!work)
		return r;
	if (chmod(work, 0755) < 0)
		r = err_errno(err, errno, "%s: cannot be opened to the user namespace", work);
	if (r == 0)
		r = tree_make(request, options, work, tar_path, &packages, err);
	if (r == 0)
		r = packages_write(request, &packages, folder, err);
	int removed = tree_remove(work, r < 0 ? NULL : err);
	return r < 0 ? r : removed;
}

const struct os_family debian_family = {
	.id = OS_DEBIAN,
	.tree_format = "4",
	.inputs = hook_inputs,
	.resolve = debian_resolve,
	.bootstrap = debian_bootstrap,
	.fetch = debian_fetch,
};
