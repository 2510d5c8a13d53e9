/* SUSE by zypper, in namespaces of its own. What zypper does there is templates/suse/make-tree. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/data.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "os/family.h"

#define BOOTSTRAP_SECONDS 3600
#define KEYRING_MAX_BYTES (1u << 20)
#define SCRIPT		  "make-tree"
#define KEY_BEGINS	  "-----BEGIN PGP PUBLIC KEY BLOCK-----"

static bool is_local(const char *repository)
{
	return str_starts(repository, "file:///");
}

/* ---- packages ---- */

/* Which packages it takes zypper finds out while it makes the tree. */
static int not_before(const char *what, struct err *err)
{
	return err_set(err, -ENOTSUP,
		       "%s: zypper chooses SUSE's packages only while it installs them; let the "
		       "layer be installed from a medium (install.medium), or do without",
		       what);
}

static int suse_resolve(const struct base_request *request, const struct base_options *options,
			struct package_list *ret_list, struct err *err)
{
	(void)request, (void)options, (void)ret_list;
	return not_before("no list of packages can be made beforehand", err);
}

static int suse_fetch(const struct base_request *request, const struct base_options *options,
		      struct err *err)
{
	(void)request, (void)options;
	return not_before("no packages can be fetched beforehand", err);
}

/* ---- what goes into the tree ---- */

/* ret_text "" if there is none. The caller frees. */
static int keyring_read(const struct base_request *request, char **ret_text, struct err *err)
{
	*ret_text = NULL;
	if (!*request->keyring) {
		*ret_text = str_copy("");
		return 0;
	}
	int r = file_read(request->keyring, KEYRING_MAX_BYTES, ret_text, NULL, err);
	if (r < 0)
		return err_wrap(err, -EINVAL, "os.keyring");
	/* The only form that rpm imports. */
	if (!strstr(*ret_text, KEY_BEGINS))
		return err_set(err, -EINVAL,
			       "os.keyring: %s: holds no public key with \"%s\"; gpg --armor "
			       "--export writes one",
			       request->keyring, KEY_BEGINS);
	return 0;
}

static int suse_inputs(const struct base_request *request, struct inputs *inputs, struct err *err)
{
	CLEANUP(free_cleanup) char *script = NULL;
	CLEANUP(free_cleanup) char *keyring = NULL;
	int r = data_read("templates/suse/" SCRIPT, &script, NULL, err);

	if (r == 0)
		r = keyring_read(request, &keyring, err);
	if (r < 0)
		return r;
	inputs_add_hash(inputs, SCRIPT, script);
	inputs_add(inputs, "repositories", request->mirror);
	inputs_add_hash(inputs, "keyring", keyring);
	return 0;
}

/* ---- the working folder ---- */

/* Where there is no key nothing can be checked: only folders of this machine go without. */
static int repository_write(const struct base_request *request, const char *folder, const char *url,
			    unsigned number, struct err *err)
{
	CLEANUP(free_cleanup) char *path = str_format("%s/nestctl-%u.repo", folder, number);
	const char *checked = *request->keyring ? "1" : "0";
	CLEANUP(free_cleanup)
	char *text = str_format("[nestctl-%u]\nname=nestctl-%u\nenabled=1\nautorefresh=0\n"
				"baseurl=%s\ngpgcheck=%s\nrepo_gpgcheck=%s\npkg_gpgcheck=0\n"
				"keeppackages=0\n",
				number, number, url, checked, checked);

	return file_write(path, text, strlen(text), 0644, err);
}

static int repositories_write(const struct base_request *request, const char *work, bool offline,
			      struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_join(work, "repos");
	CLEANUP(free_cleanup) char *urls = str_copy(request->mirror);
	char *rest = NULL;
	unsigned number = 0;
	int r = dir_make(folder, 0755, err);

	for (char *url = strtok_r(urls, " ", &rest); r == 0 && url;
	     url = strtok_r(NULL, " ", &rest)) {
		if (offline && !is_local(url))
			r = err_set(err, -ENOENT,
				    "%s: cannot be read offline: build once without --offline, or "
				    "name a folder (file:///) as os.mirror",
				    url);
		else
			r = repository_write(request, folder, url, ++number, err);
	}
	return r;
}

static void globs_add(struct buf *text, const char *const *globs)
{
	for (; globs && *globs; globs++)
		buf_format(text, "%s\n", *globs);
}

static int text_write(const char *folder, const char *name, const char *text, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, name);

	return file_write(path, text, strlen(text), 0644, err);
}

/* All that the script reads. */
static int work_fill(const struct base_request *request, const char *work, bool offline,
		     struct err *err)
{
	CLEANUP(free_cleanup) char *script = NULL;
	CLEANUP(free_cleanup) char *keyring = NULL;
	CLEANUP(buf_done) struct buf excluded = { 0 };
	int r = repositories_write(request, work, offline, err);

	globs_add(&excluded, unread_paths);
	globs_add(&excluded, request->excluded_paths);
	if (r == 0)
		r = data_read("templates/suse/" SCRIPT, &script, NULL, err);
	if (r == 0)
		r = keyring_read(request, &keyring, err);
	if (r == 0)
		r = text_write(work, SCRIPT, script, err);
	if (r == 0)
		r = text_write(work, "excluded", buf_str(&excluded), err);
	if (r == 0)
		r = text_write(work, "zypper.conf", "[main]\n", err);
	if (r == 0)
		r = text_write(work, "zypp.conf",
			       "[main]\nrpm.install.excludedocs = yes\n"
			       "solver.onlyRequires = true\n",
			       err);
	return r < 0 || !keyring || !*keyring ? r : text_write(work, "keyring", keyring, err);
}

/* ---- namespaces ---- */

/* An ordinary user becomes root of a user namespace with all of the subordinate ids; mounts and
 * processes vanish with their namespaces, however the script ends. */
static void namespace_argv(struct strv *argv)
{
	strv_add(argv, "unshare");
	if (geteuid() != 0) {
		strv_add(argv, "--map-root-user");
		strv_add(argv, "--map-auto");
	}
	strv_add(argv, "--mount");
	strv_add(argv, "--pid");
	strv_add(argv, "--fork");
	strv_add(argv, "--kill-child");
}

/* Files of a user namespace belong to ids that only it has power over. */
static int work_remove(const char *work, struct err *err)
{
	CLEANUP(free_cleanup) char *tree = path_join(work, "tree");
	CLEANUP(strv_done) struct strv argv = { 0 };

	namespace_argv(&argv);
	strv_add(&argv, "rm");
	strv_add(&argv, "-rf");
	strv_add(&argv, "--one-file-system");
	strv_add(&argv, tree);
	const struct spawn_options spawn = {
		.argv = (const char *const *)argv.items,
		.purpose = "removing the tree that was packed",
		.timeout_seconds = 600,
	};
	int r = path_exists(tree) ? spawn_run(&spawn, NULL, err) : 0;
	return r < 0 ? r : tree_remove(work, err);
}

/* ---- the tree ---- */

/* zypper wants a pattern as what its package provides: "pattern:NAME" needs a libsolv that was
 * built for SUSE's own form of patterns, and Debian's was not. */
static void packages_argv(const struct base_request *request, struct strv *argv)
{
	static const char prefix[] = "pattern:";

	for (size_t i = 0; i < request->packages.count; i++) {
		const char *name = request->packages.items[i];

		if (str_starts(name, prefix))
			strv_format(argv, "pattern()=%s", name + strlen(prefix));
		else
			strv_add(argv, name);
	}
}

static void line_show(void *context, const char *line)
{
	const struct base_request *request = context;

	if (str_starts(line, "I: "))
		log_status("  bootstrap %s %s: %s", request->name, request->release, line + 3);
}

static int tree_make(const struct base_request *request, const struct base_options *options,
		     const char *work, const char *tar_path, struct err *err)
{
	CLEANUP(free_cleanup) char *script = path_join(work, SCRIPT);
	CLEANUP(strv_done) struct strv argv = { 0 };

	namespace_argv(&argv);
	strv_add(&argv, "sh");
	strv_add(&argv, script);
	strv_add(&argv, work);
	strv_add(&argv, tar_path);
	packages_argv(request, &argv);
	const struct spawn_options spawn = {
		.argv = (const char *const *)argv.items,
		.log_path = options->log_path,
		.purpose = "bootstrapping the base tree with zypper",
		.timeout_seconds = BOOTSTRAP_SECONDS,
		.on_line = line_show,
		.context = (void *)(uintptr_t)request,
	};
	int r = spawn_run(&spawn, NULL, err);
	log_status("%s", "");
	return r;
}

static int suse_bootstrap(const struct base_request *request, const struct base_options *options,
			  const char *folder, struct err *err)
{
	CLEANUP(free_cleanup) char *tar_path = path_join(folder, "tree.tar");
	CLEANUP(free_cleanup) char *work = NULL;
	CLEANUP(free_cleanup) char *zypper = program_find("zypper");

	if (!zypper)
		return err_set(err, -ENOENT, "zypper is not installed: apt-get install zypper rpm");
	int r = temp_dir(NULL, &work, err);
	if (r == 0)
		r = work_fill(request, work, options->offline, err);
	if (r == 0)
		r = tree_make(request, options, work, tar_path, err);
	int removed = work ? work_remove(work, r < 0 ? NULL : err) : 0;
	return r < 0 ? r : removed;
}

const struct os_family suse_family = {
	.id = OS_SUSE,
	.tree_format = "1",
	.inputs = suse_inputs,
	.resolve = suse_resolve,
	.bootstrap = suse_bootstrap,
	.fetch = suse_fetch,
};
