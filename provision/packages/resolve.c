#include "packages/resolve.h"

#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "packages/index.h"

#define KEYRING		"/usr/share/keyrings/debian-archive-keyring.gpg"
#define UPDATE_SECONDS	600
#define RESOLVE_SECONDS 120

/* The machine's own settings for transfers (proxies, time-outs) stay in force; its hooks do not
 * run, its packages are not seen. */
static const char conf_format[] = "Dir \"%s/\";\n"
				  "Dir::Etc \"etc/apt\";\n"
				  "Dir::State \"var/lib/apt\";\n"
				  "Dir::Cache \"var/cache/apt\";\n"
				  "Dir::State::status \"%s/status\";\n"
				  "APT::Architecture \"amd64\";\n"
				  "#clear APT::Architectures;\n"
				  "APT::Architectures { \"amd64\"; };\n"
				  "#clear APT::Default-Release;\n"
				  "APT::Install-Recommends \"false\";\n"
				  "APT::Install-Suggests \"false\";\n"
				  "APT::Get::AllowUnauthenticated \"false\";\n"
				  "APT::Sandbox::User \"\";\n"
				  "Acquire::AllowInsecureRepositories \"false\";\n"
				  "Acquire::AllowWeakRepositories \"false\";\n"
				  "Acquire::AllowDowngradeToInsecureRepositories \"false\";\n"
				  "Acquire::Languages \"none\";\n"
				  "Acquire::GzipIndexes \"false\";\n"
				  "Acquire::Retries \"3\";\n"
				  "Acquire::ForceHash \"SHA256\";\n"
				  "#clear APT::Update::Pre-Invoke;\n"
				  "#clear APT::Update::Post-Invoke;\n"
				  "#clear APT::Update::Post-Invoke-Success;\n"
				  "#clear DPkg::Pre-Install-Pkgs;\n";

struct root {
	const char *folder;
	const char *conf;
	const char *log_path;
};

static int root_fill(const struct root *root, struct err *err)
{
	static const char *const folders[] = { "etc/apt/apt.conf.d", "etc/apt/preferences.d",
					       "var/lib/apt/lists/partial",
					       "var/cache/apt/archives/partial" };
	CLEANUP(free_cleanup) char *status = path_join(root->folder, "status");
	CLEANUP(free_cleanup) char *conf = str_format(conf_format, root->folder, root->folder);
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof folders / sizeof *folders; i++) {
		CLEANUP(free_cleanup) char *path = path_join(root->folder, folders[i]);

		r = dir_make(path, 0755, err);
	}
	if (r == 0)
		r = file_write(status, "", 0, 0644, err);
	return r < 0 ? r : file_write(root->conf, conf, strlen(conf), 0644, err);
}

static int apt_get(const struct root *root, const struct strv *arguments, const char *purpose,
		   unsigned seconds, char **ret_output, struct err *err)
{
	static const char *const env[] = { "LC_ALL=C.UTF-8", NULL };
	CLEANUP(strv_done) struct strv argv = { 0 };

	strv_add(&argv, "apt-get");
	strv_add(&argv, "-qq");
	strv_format(&argv, "-c=%s", root->conf);
	strv_add_all(&argv, arguments);
	const struct spawn_options options = {
		.argv = (const char *const *)argv.items,
		.env = env,
		.log_path = ret_output ? NULL : root->log_path,
		.purpose = purpose,
		.timeout_seconds = seconds,
	};
	return spawn_run(&options, ret_output, err);
}

/* How many sources have the suite of this one: before it, or all of them. */
static size_t suite_count(const struct package_sources *sources, size_t index, bool all)
{
	size_t count = 0;

	for (size_t i = 0; i < (all ? sources->count : index); i++)
		count += str_equal(sources->items[i].suite, sources->items[index].suite);
	return count;
}

/* The n-th mirror of each suite, counted around. */
static int sources_write(const struct root *root, const struct package_sources *sources, size_t n,
			 struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(root->folder, "etc/apt/sources.list");
	CLEANUP(buf_done) struct buf lines = { 0 };

	for (size_t i = 0; i < sources->count; i++)
		if (suite_count(sources, i, false) == n % suite_count(sources, i, true))
			buf_format(&lines, "deb [signed-by=" KEYRING "] %s %s main\n",
				   sources->items[i].uri, sources->items[i].suite);
	return file_write(path, buf_str(&lines), lines.length, 0644, err);
}

/* A mirror that is not reached is an error, no old index is taken in its place. */
static int indexes_update_once(const struct root *root, struct err *err)
{
	CLEANUP(strv_done) struct strv arguments = { 0 };

	strv_add(&arguments, "-o");
	strv_add(&arguments, "APT::Update::Error-Mode=any");
	strv_add(&arguments, "update");
	return apt_get(root, &arguments, "reading the mirror's package lists", UPDATE_SECONDS, NULL,
		       err);
}

/* The first mirror of each suite, then the second of each, until all of one round serve their lists
 * with a sound signature. */
static int indexes_update(const struct root *root, const struct package_sources *sources,
			  struct err *err)
{
	size_t rounds = 0;
	int r = 0;

	for (size_t i = 0; i < sources->count; i++)
		if (suite_count(sources, i, true) > rounds)
			rounds = suite_count(sources, i, true);
	for (size_t n = 0; n < rounds; n++) {
		r = sources_write(root, sources, n, err);
		if (r == 0)
			r = indexes_update_once(root, err);
		if (r == 0 || r == -EINTR || n + 1 == rounds)
			return r;
		log_warn("a mirror is passed over: %s", err->text);
		err_clear(err);
	}
	return r;
}

/* ---- what apt would install ---- */

/* Lines of --print-uris: 'URI' FILE SIZE SHA256:HASH */
static int wanted_parse(char *output, struct strv *hashes, struct err *err)
{
	char *rest = NULL;

	for (char *line = strtok_r(output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *hash = strstr(line, " SHA256:");

		if (*line != '\'')
			continue;
		if (!hash || strlen(hash + 8) < HASH_HEX_LENGTH)
			return err_set(err, -EBADMSG,
				       "the mirror's package lists have no SHA-256 for %s", line);
		strv_format(hashes, "%.*s", HASH_HEX_LENGTH, hash + 8);
	}
	if (hashes->count == 0)
		return err_set(err, -EBADMSG, "apt finds no package to install");
	return 0;
}

static int wanted_find(const struct root *root, const struct strv *packages, struct strv *hashes,
		       struct err *err)
{
	CLEANUP(strv_done) struct strv arguments = { 0 };
	CLEANUP(free_cleanup) char *output = NULL;

	strv_add(&arguments, "--yes");
	strv_add(&arguments, "--print-uris");
	strv_add(&arguments, "install");
	strv_add(&arguments, "--");
	strv_add_all(&arguments, packages);
	int r = apt_get(root, &arguments, "resolving packages", RESOLVE_SECONDS, &output, err);
	if (r == 0)
		r = wanted_parse(output, hashes, err);
	strv_sort(hashes);
	return r;
}

/* ---- what the indexes say of it ---- */

/* apt says which files its indexes are: "PATH SUITE". */
static int indexes_read(const struct root *root, const struct strv *hashes,
			struct package_list *list, struct err *err)
{
	CLEANUP(strv_done) struct strv arguments = { 0 };
	CLEANUP(free_cleanup) char *output = NULL;
	char *rest = NULL;

	strv_add(&arguments, "indextargets");
	strv_add(&arguments, "--format");
	strv_add(&arguments, "$(FILENAME) $(RELEASE)");
	strv_add(&arguments, "Identifier: Packages");
	int r = apt_get(root, &arguments, "asking apt for its indexes", RESOLVE_SECONDS, &output,
			err);
	if (r < 0)
		return r;
	for (char *line = strtok_r(output, "\n", &rest); r == 0 && line;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *suite = strrchr(line, ' ');

		if (!suite)
			continue;
		*suite++ = '\0';
		r = index_read(line, suite, hashes, list, err);
	}
	return r;
}

static int resolve_in(const struct root *root, const struct resolve_request *request,
		      struct package_list *ret_list, struct err *err)
{
	CLEANUP(strv_done) struct strv hashes = { 0 };
	int r = root_fill(root, err);

	if (r == 0)
		r = indexes_update(root, request->sources, err);
	if (r == 0)
		r = wanted_find(root, request->packages, &hashes, err);
	if (r == 0)
		r = indexes_read(root, &hashes, ret_list, err);
	if (r == 0 && ret_list->count != hashes.count)
		r = err_set(err, -EBADMSG,
			    "the mirror's package lists know %zu of the %zu packages that apt "
			    "would install",
			    ret_list->count, hashes.count);
	package_list_sort(ret_list);
	return r;
}

int packages_resolve(const struct resolve_request *request, struct package_list *ret_list,
		     struct err *err)
{
	CLEANUP(free_cleanup) char *folder = NULL;
	struct root root = { .folder = request->root, .log_path = request->log_path };

	if (!path_exists(KEYRING))
		return err_set(err, -ENOENT,
			       KEYRING ": is missing, so no package list can be trusted: install "
				       "debian-archive-keyring");
	if (!root.folder) {
		int r = temp_dir(NULL, &folder, err);

		if (r < 0)
			return r;
		root.folder = folder;
	}
	CLEANUP(free_cleanup) char *conf = path_join(root.folder, "nestctl.conf");
	root.conf = conf;
	int r = resolve_in(&root, request, ret_list, err);
	int removed = folder ? tree_remove(folder, r < 0 ? NULL : err) : 0;
	return r < 0 ? r : removed;
}
