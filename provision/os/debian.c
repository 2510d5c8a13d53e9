#include "os/debian.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/data.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "pattern/pattern.h"

#define BOOTSTRAP_SECONDS 1800
#define OS_RELEASE_BYTES  65536

/* Documentation and translations: a lab host has a reader for neither. */
static const char *const unread_paths[] = {
	"/usr/share/doc/*",    "/usr/share/man/*",     "/usr/share/info/*",
	"/usr/share/locale/*", "/usr/share/lintian/*", NULL,
};

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
static void source_add(char *line, const char *codename, const char *release, struct strv *lines)
{
	char *rest = NULL;
	const char *uri = strtok_r(line, " ", &rest);
	const char *suite = strtok_r(NULL, " ", &rest);
	const char *component = strtok_r(NULL, " ", &rest);
	const char *origin = strtok_r(NULL, " ", &rest);

	if (!origin || !str_equal(origin, "Debian") || !str_equal(component, "main") ||
	    !str_starts(suite, codename))
		return;
	strv_format(lines, "deb %s %s%s main", uri, release, suite + strlen(codename));
}

int debian_sources(const char *release, struct strv *ret_lines, struct err *err)
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

	if (!*codename)
		return 0;
	int r = spawn_run(&options, &output, err);
	if (r < 0)
		return r;
	for (char *line = strtok_r(output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		source_add(line, codename, release, ret_lines);
	strv_sort(ret_lines);
	return 0;
}

#define SETUP_HOOK     "setup-hook"
#define CUSTOMIZE_HOOK "customize-hook"

static int hook_read(const char *name, char **ret_text, size_t *ret_length, struct err *err)
{
	CLEANUP(free_cleanup) char *source = str_format("templates/debian/%s", name);

	return data_read(source, ret_text, ret_length, err);
}

int debian_hook_inputs(struct inputs *inputs, struct err *err)
{
	static const char *const hooks[] = { SETUP_HOOK, CUSTOMIZE_HOOK };

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

static int argv_make(const struct base_request *request, const char *folder, const char *tar_path,
		     struct strv *argv, struct err *err)
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
	if (*request->mirror) {
		strv_add(argv, request->mirror);
		return 0;
	}
	struct strv lines = { 0 };
	r = debian_sources(request->release, &lines, err);
	for (size_t i = 0; i < lines.count; i++)
		strv_add(argv, lines.items[i]);
	strv_done(&lines);
	return r;
}

static void env_make(const struct base_request *request, struct strv *env)
{
	struct buf modules = { 0 };

	for (const char *const *name = request->initramfs_modules; name && *name; name++)
		buf_format(&modules, "%s ", *name);
	strv_format(env, "NESTCTL_MODULES=%s", buf_str(&modules));
	strv_format(env, "NESTCTL_LOCALE=%s", request->locale);
	strv_add(env, "INITRD=No"); /* read by initramfs-tools' kernel hook */
	strv_add(env, "LC_ALL=C.UTF-8");
	buf_done(&modules);
}

static void line_show(void *context, const char *line)
{
	const struct base_request *request = context;

	if (str_starts(line, "I: "))
		log_status("  bootstrap %s %s: %s", request->name, request->release, line + 3);
}

int debian_bootstrap(const struct base_request *request, const char *tar_path, const char *log_path,
		     struct err *err)
{
	CLEANUP(free_cleanup) char *folder = NULL;
	struct strv argv = { 0 }, env = { 0 };
	int r = temp_dir(NULL, &folder, err);

	if (r < 0)
		return r;
	if (chmod(folder, 0755) < 0)
		r = err_errno(err, errno, "%s: cannot be opened to the user namespace", folder);
	if (r == 0)
		r = argv_make(request, folder, tar_path, &argv, err);
	if (r == 0) {
		env_make(request, &env);
		r = spawn_run(
			&(struct spawn_options){
				.argv = (const char *const *)argv.items,
				.env = (const char *const *)env.items,
				.log_path = log_path,
				.purpose = "bootstrapping the base tree",
				.timeout_seconds = BOOTSTRAP_SECONDS,
				.on_line = line_show,
				.context = (void *)(uintptr_t)request,
			},
			NULL, err);
		log_status("%s", "");
	}
	strv_done(&argv);
	strv_done(&env);
	int removed = tree_remove(folder, r < 0 ? NULL : err);
	return r < 0 ? r : removed;
}
