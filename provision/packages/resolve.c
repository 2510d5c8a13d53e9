#include "packages/resolve.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/spawn.h"

#define KEYRING		"/usr/share/keyrings/debian-archive-keyring.gpg"
#define UPDATE_SECONDS	600
#define RESOLVE_SECONDS 120

/* The machine's own settings for transfers (proxies, time-outs) stay in force; its hooks do not
 * run, its packages are not seen. */
static const char conf_format[] = "Dir \"%s/\";\n"
				  "Dir::State::status \"%s/status\";\n"
				  "APT::Architecture \"amd64\";\n"
				  "#clear APT::Architectures;\n"
				  "APT::Architectures { \"amd64\"; };\n"
				  "APT::Install-Recommends \"false\";\n"
				  "APT::Sandbox::User \"\";\n"
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
	char *conf; /* owned */
	const char *log_path;
};

static int root_fill(struct root *root, const struct package_sources *sources, struct err *err)
{
	static const char *const folders[] = { "etc/apt/apt.conf.d", "etc/apt/preferences.d",
					       "var/lib/apt/lists/partial",
					       "var/cache/apt/archives/partial" };
	CLEANUP(free_cleanup) char *list = path_join(root->folder, "etc/apt/sources.list");
	CLEANUP(free_cleanup) char *status = path_join(root->folder, "status");
	CLEANUP(free_cleanup) char *conf = str_format(conf_format, root->folder, root->folder);
	CLEANUP(buf_done) struct buf lines = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof folders / sizeof *folders; i++) {
		CLEANUP(free_cleanup) char *path = path_join(root->folder, folders[i]);

		r = dir_make(path, 0755, err);
	}
	for (size_t i = 0; i < sources->count; i++)
		buf_format(&lines, "deb [signed-by=" KEYRING "] %s %s main\n",
			   sources->items[i].uri, sources->items[i].suite);
	if (r == 0)
		r = file_write(list, buf_str(&lines), lines.length, 0644, err);
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
	for (size_t i = 0; i < arguments->count; i++)
		strv_add(&argv, arguments->items[i]);
	const struct spawn_options options = {
		.argv = (const char *const *)argv.items,
		.env = env,
		.log_path = ret_output ? NULL : root->log_path,
		.purpose = purpose,
		.timeout_seconds = seconds,
	};
	return spawn_run(&options, ret_output, err);
}

/* A mirror that is not reached is an error, no old index is taken in its place. */
static int indexes_update(const struct root *root, struct err *err)
{
	CLEANUP(strv_done) struct strv arguments = { 0 };

	strv_add(&arguments, "-o");
	strv_add(&arguments, "APT::Update::Error-Mode=any");
	strv_add(&arguments, "update");
	return apt_get(root, &arguments, "reading the mirror's package lists", UPDATE_SECONDS, NULL,
		       err);
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
	for (size_t i = 0; i < packages->count; i++)
		strv_add(&arguments, packages->items[i]);
	int r = apt_get(root, &arguments, "resolving packages", RESOLVE_SECONDS, &output, err);
	if (r == 0)
		r = wanted_parse(output, hashes, err);
	strv_sort(hashes);
	return r;
}

/* ---- what the indexes say of it ---- */

static const char *const field_names[] = { "Package",  "Version", "Architecture",
					   "Filename", "Size",	  "SHA256" };
enum field { NAME, VERSION, ARCHITECTURE, PATH, SIZE, SHA256, FIELDS };

struct stanza {
	char *fields[FIELDS]; /* owned, or NULL */
};

static void stanza_clear(struct stanza *stanza)
{
	for (size_t i = 0; i < FIELDS; i++) {
		free(stanza->fields[i]);
		stanza->fields[i] = NULL;
	}
}

static void stanza_line(struct stanza *stanza, const char *line)
{
	for (size_t i = 0; i < FIELDS; i++) {
		size_t length = strlen(field_names[i]);

		if (str_starts(line, field_names[i]) && str_starts(line + length, ": ") &&
		    !stanza->fields[i])
			stanza->fields[i] = str_copy(line + length + 2);
	}
}

static bool is_wanted(const struct strv *hashes, const char *hash)
{
	size_t low = 0, high = hashes->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(hashes->items[middle], hash);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool is_listed(const struct package_list *list, const char *hash)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_equal(list->items[i].sha256, hash))
			return true;
	return false;
}

static void stanza_take(struct stanza *stanza, const struct strv *hashes, const char *suite,
			struct package_list *list)
{
	bool whole = true;

	for (size_t i = 0; i < FIELDS; i++)
		whole = whole && stanza->fields[i];
	if (!whole || strlen(stanza->fields[SHA256]) != HASH_HEX_LENGTH ||
	    !is_wanted(hashes, stanza->fields[SHA256]) || is_listed(list, stanza->fields[SHA256]))
		return;
	struct package *package = package_list_add(list);
	package->name = take(&stanza->fields[NAME]);
	package->version = take(&stanza->fields[VERSION]);
	package->architecture = take(&stanza->fields[ARCHITECTURE]);
	package->path = take(&stanza->fields[PATH]);
	package->suite = str_copy(suite);
	package->size_bytes = strtoull(stanza->fields[SIZE], NULL, 10);
	memcpy(package->sha256, stanza->fields[SHA256], sizeof package->sha256);
}

static int index_read(const char *path, const char *suite, const struct strv *hashes,
		      struct package_list *list, struct err *err)
{
	struct stanza stanza = { 0 };
	FILE *index = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	if (!index)
		return err_errno(err, errno, "%s: cannot be read", path);
	while ((length = getline(&line, &room, index)) >= 0) {
		if (length > 0 && line[length - 1] == '\n')
			line[length - 1] = '\0';
		if (*line) {
			stanza_line(&stanza, line);
			continue;
		}
		stanza_take(&stanza, hashes, suite, list);
		stanza_clear(&stanza);
	}
	stanza_take(&stanza, hashes, suite, list);
	stanza_clear(&stanza);
	free(line);
	fclose(index);
	return 0;
}

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

static int resolve_in(struct root *root, const struct resolve_request *request,
		      struct package_list *ret_list, struct err *err)
{
	CLEANUP(strv_done) struct strv hashes = { 0 };
	int r = root_fill(root, request->sources, err);

	if (r == 0)
		r = indexes_update(root, err);
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
	struct root root = { .log_path = request->log_path };

	if (!path_exists(KEYRING))
		return err_set(err, -ENOENT,
			       KEYRING ": is missing, so no package list can be trusted: install "
				       "debian-archive-keyring");
	int r = temp_dir(NULL, &folder, err);
	if (r < 0)
		return r;
	root.folder = folder;
	root.conf = path_join(folder, "nestctl.conf");
	r = resolve_in(&root, request, ret_list, err);
	free(root.conf);
	int removed = tree_remove(folder, r < 0 ? NULL : err);
	return r < 0 ? r : removed;
}
