#include "media/known.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fs.h"

#define SETTLED_SECONDS 3 /* no clock of a file system is coarser, FAT's two seconds included */
#define NOTE_BYTES	4096
#define NAME_DIGITS	32

/* Of the file as it is: the same text, the same content. The caller frees. */
static char *identity(const char *path, const struct stat *status)
{
	return str_format("%s\n%llu %llu %lld %lld.%09ld %lld.%09ld\n", path,
			  (unsigned long long)status->st_dev, (unsigned long long)status->st_ino,
			  (long long)status->st_size, (long long)status->st_mtim.tv_sec,
			  status->st_mtim.tv_nsec, (long long)status->st_ctim.tv_sec,
			  status->st_ctim.tv_nsec);
}

static char *note_path(const char *folder, const char *path)
{
	char name[HASH_HEX_LENGTH + 1];
	struct hash *hash = hash_new();

	hash_field(hash, "medium", path);
	hash_finish_hex(hash, name);
	return str_format("%s/%.*s.sum", folder, NAME_DIGITS, name);
}

/* The note is the identity and behind it the sum. */
static bool note_read(const char *note, const char *known, char ret_hex[HASH_HEX_LENGTH + 1])
{
	CLEANUP(free_cleanup) char *text = NULL;

	if (file_read(note, NOTE_BYTES, &text, NULL, NULL) < 0 || !str_starts(text, known))
		return false;
	const char *hex = text + strlen(known);
	snprintf(ret_hex, HASH_HEX_LENGTH + 1, "%s", hex);
	return strlen(hex) == HASH_HEX_LENGTH && hash_is_hex(ret_hex);
}

/* It saves time and nothing else: what fails does not matter. */
static void note_write(const char *note, const char *known, const char *hex)
{
	CLEANUP(free_cleanup) char *text = str_format("%s%s", known, hex);
	CLEANUP(free_cleanup) char *folder = path_folder(note);

	mkdir(folder, 0700);
	file_write(note, text, strlen(text), 0600, NULL);
}

static bool is_settled(const struct stat *status)
{
	time_t now = time(NULL);

	return now - status->st_mtim.tv_sec > SETTLED_SECONDS &&
	       now - status->st_ctim.tv_sec > SETTLED_SECONDS;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec && a->st_ino == b->st_ino;
}

int medium_sum(const char *path, const char *folder, char ret_hex[HASH_HEX_LENGTH + 1],
	       struct err *err)
{
	CLEANUP(free_cleanup) char *real = realpath(path, NULL);
	struct stat before, after;

	if (!folder || !real || stat(real, &before) < 0 || !is_settled(&before))
		return hash_file(path, ret_hex, err);
	CLEANUP(free_cleanup) char *known = identity(real, &before);
	CLEANUP(free_cleanup) char *note = note_path(folder, real);
	if (note_read(note, known, ret_hex))
		return 0;
	int r = hash_file(real, ret_hex, err);
	if (r == 0 && stat(real, &after) == 0 && is_same(&before, &after))
		note_write(note, known, ret_hex);
	return r;
}
