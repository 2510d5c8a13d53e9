/* The volume descriptor is looked at by hand, since libarchive has no word for a label and sees
 * only late that an image is cut short. Form: ECMA-119, 8.4. */
#include "media/contents.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/archive.h"
#include "base/fs.h"

#define READ_BYTES	  ((size_t)1 << 18)
#define NAMES_MAX	  200000
#define NAME_LENGTH_MAX	  4096
#define NAMES_BYTES_MAX	  ((size_t)64 << 20)
#define LINKS_MAX	  8
#define PACKED_FILE_MAX	  ((uint64_t)2 << 30) /* a file in a compressed archive */
#define DESCRIPTOR_AT	  32768
#define DESCRIPTOR_BYTES  2048
#define DESCRIPTOR_VOLUME 1
#define DESCRIPTOR_BOOT	  0
#define DESCRIPTOR_LAST	  255
#define DESCRIPTORS_MAX	  16
#define BOOT_SYSTEM_AT	  7
#define LABEL_AT	  40
#define LABEL_LENGTH	  32
#define VOLUME_BLOCKS_AT  80
#define BLOCK_BYTES_AT	  128

enum carrier { CARRIER_ISO, CARRIER_ARCHIVE, CARRIER_FOLDER };

struct name {
	char *path; /* as on the medium, without a leading ./ or / */
	bool regular;
	bool symlink;
	uint64_t size_bytes;
	char *same_as; /* the name that has its data, or NULL */
};

struct contents {
	char *path;
	char *root; /* of a folder: where it really lies, else NULL */
	char label[LABEL_LENGTH + 1];
	bool boots;
	enum carrier carrier;
	uint64_t size_bytes; /* of the image */
	struct name *names;
	size_t count;
	size_t names_bytes; /* of all paths and same_as */
};

static int failed(struct archive *archive, const char *path, struct err *err)
{
	const char *text = archive_error_string(archive);

	return err_set(err, -EBADMSG, "%s: is damaged or cut short: %s", path,
		       text ? text : "unknown reason");
}

static int no_medium(const struct contents *contents, struct err *err)
{
	return err_set(
		err, -EBADMSG,
		"%s: is no medium: it is no ISO 9660 image, no folder and no netboot archive",
		contents->path);
}

static const char *name_plain(const char *name)
{
	for (;;) {
		if (name[0] == '/')
			name++;
		else if (name[0] == '.' && name[1] == '/')
			name += 2;
		else
			return name;
	}
}

/* The name inside of an entry; NULL for what is of no use here. */
static const char *entry_name(const struct contents *contents, const char *text)
{
	size_t above = contents->root ? strlen(contents->root) : 0;

	if (!text || strlen(text) < above || strlen(text + above) > NAME_LENGTH_MAX)
		return NULL;
	text = name_plain(text + above);
	return *text ? text : NULL;
}

/* ---- what the path names ---- */

/* 1: it is an ISO image, 0: it is not. */
static int descriptor_read(struct contents *contents, int fd, struct err *err)
{
	uint8_t block[DESCRIPTOR_BYTES];
	ssize_t got = fd_pread_all(fd, block, sizeof block, DESCRIPTOR_AT);

	if (got < 0)
		return err_errno(err, (int)-got, "%s: cannot be read", contents->path);
	if (got < DESCRIPTOR_BYTES || block[0] != DESCRIPTOR_VOLUME ||
	    memcmp(block + 1, "CD001", 5) != 0)
		return 0;
	memcpy(contents->label, block + LABEL_AT, LABEL_LENGTH);
	str_tame(contents->label);
	for (char *c = contents->label; *c; c++)
		if (*c & 0x80)
			*c = '?';
	for (size_t end = strlen(contents->label); end > 0 && contents->label[end - 1] == ' ';)
		contents->label[--end] = '\0';
	const uint8_t *count = block + VOLUME_BLOCKS_AT, *bytes = block + BLOCK_BYTES_AT;
	uint64_t blocks = count[0] | (uint32_t)count[1] << 8 | (uint32_t)count[2] << 16 |
			  (uint32_t)count[3] << 24;
	uint64_t volume_bytes = blocks * (bytes[0] | (uint32_t)bytes[1] << 8);
	if (volume_bytes > contents->size_bytes)
		return err_set(err, -EBADMSG,
			       "%s: is cut short: the volume has %llu bytes, the file %llu: fetch "
			       "or copy it again",
			       contents->path, (unsigned long long)volume_bytes,
			       (unsigned long long)contents->size_bytes);
	return 1;
}

/* Source: El Torito Bootable CD-ROM Format Specification 1.0, figure 7. */
static void boot_record_find(struct contents *contents, int fd)
{
	static const char system[] = "EL TORITO SPECIFICATION";
	uint8_t block[DESCRIPTOR_BYTES];

	for (uint64_t i = 1; i < DESCRIPTORS_MAX && !contents->boots; i++) {
		if (fd_pread_all(fd, block, sizeof block, DESCRIPTOR_AT + i * DESCRIPTOR_BYTES) <
			    DESCRIPTOR_BYTES ||
		    memcmp(block + 1, "CD001", 5) != 0 || block[0] == DESCRIPTOR_LAST)
			return;
		contents->boots = block[0] == DESCRIPTOR_BOOT &&
				  memcmp(block + BOOT_SYSTEM_AT, system, sizeof system) == 0;
	}
}

static int carrier_find(struct contents *contents, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(contents->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_errno(err, errno, "%s: cannot be opened", contents->path);
	contents->size_bytes = (uint64_t)status.st_size;
	if (S_ISDIR(status.st_mode)) {
		contents->carrier = CARRIER_FOLDER;
		contents->root = realpath(contents->path, NULL);
		return contents->root
			       ? 0
			       : err_errno(err, errno, "%s: cannot be opened", contents->path);
	}
	if (!S_ISREG(status.st_mode))
		return err_set(err, -EBADMSG, "%s: is neither a file nor a folder", contents->path);
	int r = descriptor_read(contents, fd, err);
	if (r < 0)
		return r;
	contents->carrier = r ? CARRIER_ISO : CARRIER_ARCHIVE;
	if (r)
		boot_record_find(contents, fd);
	return 0;
}

static int archive_open(const struct contents *contents, struct archive **ret_archive,
			struct err *err)
{
	bool folder = contents->carrier == CARRIER_FOLDER;
	CLEANUP(archive_cleanup)
	struct archive *archive = folder ? archive_read_disk_new() : archive_read_new();
	int r;

	if (folder) {
		archive_read_disk_set_symlink_physical(archive);
		r = archive_read_disk_open(archive, contents->root);
	} else {
		if (contents->carrier == CARRIER_ISO) {
			archive_read_support_format_iso9660(archive);
		} else {
			archive_read_support_filter_gzip(archive);
			archive_read_support_format_tar(archive);
		}
		r = archive_read_open_filename(archive, contents->path, READ_BYTES);
	}
	if (r != ARCHIVE_OK && contents->carrier == CARRIER_ARCHIVE)
		return no_medium(contents, err);
	if (r != ARCHIVE_OK)
		return failed(archive, contents->path, err);
	*ret_archive = take(&archive);
	return 0;
}

/* 1: there is an entry, 0: that was all. */
static int next_entry(const struct contents *contents, struct archive *archive,
		      struct archive_entry *entry, struct err *err)
{
	int r = archive_read_next_header2(archive, entry);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r < ARCHIVE_WARN)
		return contents->count == 0 && contents->carrier == CARRIER_ARCHIVE
			       ? no_medium(contents, err)
			       : failed(archive, contents->path, err);
	if (contents->carrier == CARRIER_FOLDER && archive_read_disk_can_descend(archive))
		archive_read_disk_descend(archive);
	return 1;
}

/* ---- names ---- */

static void name_add(struct contents *contents, struct archive_entry *entry)
{
	const char *path = entry_name(contents, archive_entry_pathname(entry));
	const char *link = archive_entry_hardlink(entry);

	if (!path)
		return;
	contents->names_bytes += strlen(path) + (link ? strlen(link) : 0);
	contents->names = mem_grow(contents->names, contents->count + 1, sizeof *contents->names);
	contents->names[contents->count++] = (struct name){
		.path = str_copy(path),
		.regular = link || archive_entry_filetype(entry) == AE_IFREG,
		.symlink = !link && archive_entry_filetype(entry) == AE_IFLNK,
		.size_bytes = (uint64_t)archive_entry_size(entry),
		.same_as = link ? str_copy(name_plain(link)) : NULL,
	};
}

static int names_read(struct contents *contents, struct err *err)
{
	CLEANUP(archive_cleanup) struct archive *archive = NULL;
	CLEANUP(archive_entry_cleanup) struct archive_entry *entry = archive_entry_new();
	int r = archive_open(contents, &archive, err);

	while (r == 0 && (r = next_entry(contents, archive, entry, err)) > 0) {
		name_add(contents, entry);
		r = contents->count <= NAMES_MAX && contents->names_bytes <= NAMES_BYTES_MAX
			    ? 0
			    : err_set(err, -EBADMSG,
				      "%s: has more than %d files, or longer names than any "
				      "medium: it is no medium",
				      contents->path, NAMES_MAX);
	}
	/* Zeros are an archive that is empty. */
	if (r == 0 && contents->count == 0 && contents->carrier == CARRIER_ARCHIVE)
		return no_medium(contents, err);
	return r;
}

int contents_open(const char *path, struct contents **ret_contents, struct err *err)
{
	CLEANUP(contents_cleanup) struct contents *contents = mem_alloc(sizeof *contents);

	contents->path = str_copy(path);
	int r = carrier_find(contents, err);
	if (r == 0)
		r = names_read(contents, err);
	if (r == 0)
		*ret_contents = take(&contents);
	return r;
}

void contents_free(struct contents *contents)
{
	if (!contents)
		return;
	for (size_t i = 0; i < contents->count; i++) {
		free(contents->names[i].path);
		free(contents->names[i].same_as);
	}
	free(contents->names);
	free(contents->path);
	free(contents->root);
	free(contents);
}

void contents_cleanup(struct contents **contents)
{
	contents_free(*contents);
}

const char *contents_path(const struct contents *contents)
{
	return contents->path;
}

const char *contents_label(const struct contents *contents)
{
	return contents->label;
}

bool contents_is_image(const struct contents *contents)
{
	return contents->carrier == CARRIER_ISO;
}

bool contents_boots(const struct contents *contents)
{
	return contents->boots;
}

static const struct name *name_find(const struct contents *contents, const char *name)
{
	const struct name *near = NULL;

	name = name_plain(name);
	for (size_t i = 0; i < contents->count; i++) {
		if (strcmp(contents->names[i].path, name) == 0)
			return &contents->names[i];
		if (!near && strcasecmp(contents->names[i].path, name) == 0)
			near = &contents->names[i];
	}
	return near;
}

const char *contents_find(const struct contents *contents, const char *name)
{
	const struct name *found = name_find(contents, name);

	return found && found->regular ? found->path : NULL;
}

/* ---- data ---- */

/* The entry that has the data of a name. */
static int name_resolve(const struct contents *contents, const char *name,
			const struct name **ret_name, struct err *err)
{
	const struct name *found = name_find(contents, name);

	for (int i = 0; found && found->same_as && i < LINKS_MAX; i++)
		found = name_find(contents, found->same_as);
	if (!found)
		return err_set(err, -ENOENT, "%s: has no %s", contents->path, name);
	if (!found->regular || found->same_as)
		return err_set(err, -EBADMSG, "%s: %s is %s, no file", contents->path, name,
			       found->symlink ? "a symbolic link" : "a folder or something else");
	uint64_t most = contents->carrier == CARRIER_ISO ? contents->size_bytes : PACKED_FILE_MAX;
	if (found->size_bytes > most)
		return err_set(err, -EBADMSG,
			       "%s: %s claims to have %llu bytes, more than there "
			       "can be",
			       contents->path, name, (unsigned long long)found->size_bytes);
	*ret_name = found;
	return 0;
}

struct sink {
	int fd; /* -1: to text */
	char *text;
	uint64_t size_bytes;
};

static int block_put(struct sink *sink, const void *data, size_t length, uint64_t offset)
{
	if (offset > sink->size_bytes || length > sink->size_bytes - offset)
		return -EBADMSG;
	if (sink->fd >= 0)
		return fd_pwrite_all(sink->fd, data, length, offset);
	if (sink->text)
		memcpy(sink->text + offset, data, length);
	return 0;
}

static int data_read(const struct contents *contents, struct archive *archive, const char *name,
		     struct sink *sink, struct err *err)
{
	const void *data;
	size_t length;
	la_int64_t offset;
	int status;

	while ((status = archive_read_data_block(archive, &data, &length, &offset)) !=
	       ARCHIVE_EOF) {
		if (status < ARCHIVE_WARN)
			return failed(archive, contents->path, err);
		int r = block_put(sink, data, length, (uint64_t)offset);
		if (r < 0 && r != -EBADMSG)
			return err_errno(err, -r, "%s: %s cannot be written", contents->path, name);
		if (r < 0)
			return err_set(err, r, "%s: %s has more bytes than it says", contents->path,
				       name);
	}
	/* What is left is a hole. */
	if (sink->fd >= 0 && ftruncate(sink->fd, (off_t)sink->size_bytes) < 0)
		return err_errno(err, errno, "%s: %s cannot be written", contents->path, name);
	return 0;
}

static int name_read(const struct contents *contents, const struct name *name, struct sink *sink,
		     struct err *err)
{
	CLEANUP(archive_cleanup) struct archive *archive = NULL;
	CLEANUP(archive_entry_cleanup) struct archive_entry *entry = archive_entry_new();
	int r = archive_open(contents, &archive, err);

	sink->size_bytes = name->size_bytes;
	while (r == 0 && (r = next_entry(contents, archive, entry, err)) > 0) {
		const char *path = entry_name(contents, archive_entry_pathname(entry));

		if (path && strcmp(path, name->path) == 0)
			return data_read(contents, archive, name->path, sink, err);
		r = 0;
	}
	return r < 0 ? r
		     : err_set(err, -EBADMSG, "%s: %s is no longer there", contents->path,
			       name->path);
}

int contents_read(const struct contents *contents, const char *name, size_t max_bytes,
		  char **ret_text, size_t *ret_length, struct err *err)
{
	const struct name *found = NULL;
	int r = name_resolve(contents, name, &found, err);

	if (r < 0 || !found)
		return r;
	if (found->size_bytes > max_bytes)
		return err_set(err, -EBADMSG, "%s: %s has %llu bytes, too many for what it is",
			       contents->path, name, (unsigned long long)found->size_bytes);
	CLEANUP(free_cleanup) char *text = mem_alloc((size_t)found->size_bytes + 1);
	struct sink sink = { .fd = -1, .text = text };
	r = name_read(contents, found, &sink, err);
	if (r < 0)
		return r;
	if (ret_length)
		*ret_length = (size_t)found->size_bytes;
	*ret_text = take(&text);
	return 0;
}

int contents_copy(const struct contents *contents, const char *name, int fd, struct err *err)
{
	const struct name *found = NULL;
	int r = name_resolve(contents, name, &found, err);

	return r < 0 || !found ? r : name_read(contents, found, &(struct sink){ .fd = fd }, err);
}
