#include "packages/index.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

/* The first of a name counts, as for apt. */
static void stanza_line(struct stanza *stanza, const char *line)
{
	for (size_t i = 0; i < FIELDS; i++) {
		size_t length = strlen(field_names[i]);

		if (str_starts(line, field_names[i]) && line[length] == ':' && !stanza->fields[i])
			stanza->fields[i] =
				str_copy(line + length + 1 + strspn(line + length + 1, " \t"));
	}
}

static int by_text(const void *key, const void *item)
{
	return strcmp(key, *(char *const *)item);
}

static bool is_wanted(const struct strv *hashes, const char *hash)
{
	return hashes->count > 0 &&
	       bsearch(hash, hashes->items, hashes->count, sizeof *hashes->items, by_text) != NULL;
}

static bool is_listed(const struct package_list *list, const char *hash)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_equal(list->items[i].sha256, hash))
			return true;
	return false;
}

/* 0, which no package has, for what is no number. */
static uint64_t bytes_parse(const char *text)
{
	char *end = NULL;

	errno = 0;
	unsigned long long bytes = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && errno == 0 ? bytes : 0;
}

static int stanza_take(struct stanza *stanza, const struct strv *hashes, const char *suite,
		       struct package_list *list, struct err *err)
{
	const char *hash = stanza->fields[SHA256];
	bool whole = true;

	if (!hash || !hash_is_hex(hash) || !is_wanted(hashes, hash) || is_listed(list, hash))
		return 0;
	for (size_t i = 0; i < FIELDS; i++)
		whole = whole && stanza->fields[i];
	if (!whole)
		return err_set(err, -EBADMSG,
			       "the mirror's package list of %s is not sound: the package of "
			       "SHA-256 %s lacks a field",
			       suite, hash);
	struct package *package = package_list_add(list);
	memcpy(package->sha256, hash, sizeof package->sha256);
	package->name = take(&stanza->fields[NAME]);
	package->version = take(&stanza->fields[VERSION]);
	package->architecture = take(&stanza->fields[ARCHITECTURE]);
	package->path = take(&stanza->fields[PATH]);
	package->suite = str_copy(suite);
	package->size_bytes = bytes_parse(stanza->fields[SIZE]);
	const char *problem = package_problem(package);
	if (!problem)
		return 0;
	str_tame(package->name);
	return err_set(err, -EBADMSG, "the mirror's package list of %s is not sound: %s %s", suite,
		       package->name, problem);
}

static int stanzas_read(FILE *index, const char *suite, const struct strv *hashes,
			struct package_list *list, struct err *err)
{
	CLEANUP(stanza_clear) struct stanza stanza = { 0 };
	CLEANUP(free_cleanup) char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, index)) >= 0) {
		if (length > 0 && line[length - 1] == '\n')
			line[length - 1] = '\0';
		if (*line) {
			stanza_line(&stanza, line);
			continue;
		}
		int r = stanza_take(&stanza, hashes, suite, list, err);
		if (r < 0)
			return r;
		stanza_clear(&stanza);
	}
	return stanza_take(&stanza, hashes, suite, list, err);
}

int index_read(const char *path, const char *suite, const struct strv *hashes,
	       struct package_list *list, struct err *err)
{
	CLEANUP(file_cleanup) FILE *index = fopen(path, "re");

	if (!index)
		return err_errno(err, errno, "%s: cannot be read", path);
	int r = stanzas_read(index, suite, hashes, list, err);
	return r == 0 && ferror(index) ? err_errno(err, EIO, "%s: cannot be read", path) : r;
}
