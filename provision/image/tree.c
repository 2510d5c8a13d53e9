/* Archives into file systems, by libarchive: reads one entry after the other and hands it to
 * fsys_node.h. It knows nothing of ext. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/archive.h"
#include "image/fsys_node.h"

#define READ_BYTES ((size_t)1 << 20)

static int archive_failed(struct archive *archive, const char *path, struct err *err)
{
	const char *text = archive_error_string(archive);
	int number = archive_errno(archive);

	if (number == ENOENT || number == EACCES || number == EIO || number == EISDIR)
		return err_errno(err, number, "%s: cannot be read", path);
	return err_set(err, -EBADMSG, "%s: is cut short, damaged or no archive: %s", path,
		       text ? text : "unknown reason");
}

/* A name that leaves the root is refused, not bent: an archive that has one is hostile or broken.
 * A leading "/" or "./" is taken off. */
static int name_check(const char *archive_path, const char *name, const char **ret_name,
		      struct err *err)
{
	if (!name)
		return err_set(err, -EBADMSG, "%s: has an entry whose name cannot be read",
			       archive_path);
	for (const char *part = name; *part;) {
		size_t length = strcspn(part, "/");

		if (length == 2 && memcmp(part, "..", 2) == 0)
			return err_set(err, -EBADMSG,
				       "%s: the entry %s leads out of the root: do not use this "
				       "archive",
				       archive_path, name);
		part += length;
		part += strspn(part, "/");
	}
	*ret_name = name;
	return 0;
}

/* The form of the system.posix_acl_* attributes. Source: kernel include/uapi/linux/
 * posix_acl_xattr.h and posix_acl.h; all little endian. */
struct acl_item {
	uint16_t tag, permissions;
	uint32_t id;
};

static uint16_t acl_tag(int tag)
{
	switch (tag) {
	case ARCHIVE_ENTRY_ACL_USER_OBJ:
		return 0x01;
	case ARCHIVE_ENTRY_ACL_USER:
		return 0x02;
	case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
		return 0x04;
	case ARCHIVE_ENTRY_ACL_GROUP:
		return 0x08;
	case ARCHIVE_ENTRY_ACL_MASK:
		return 0x10;
	default:
		return 0x20; /* other */
	}
}

static int acl_order(const void *a, const void *b)
{
	const struct acl_item *left = a, *right = b;

	if (left->tag != right->tag)
		return left->tag < right->tag ? -1 : 1;
	return left->id < right->id ? -1 : left->id > right->id;
}

static void acl_add(struct fsys_node *node, struct archive_entry *entry, int type, const char *name)
{
	int count = archive_entry_acl_reset(entry, type);
	int got_type, permissions, tag, id;
	const char *who;
	size_t used = 0;

	if (count <= 0)
		return;
	CLEANUP(free_cleanup) char *value = mem_alloc(4 + (size_t)count * sizeof(struct acl_item));
	CLEANUP(free_cleanup) struct acl_item *items = mem_alloc((size_t)count * sizeof *items);
	while (used < (size_t)count && archive_entry_acl_next(entry, type, &got_type, &permissions,
							      &tag, &id, &who) == ARCHIVE_OK) {
		bool named = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;

		items[used++] = (struct acl_item){ acl_tag(tag), (uint16_t)(permissions & 7),
						   named ? (uint32_t)id : UINT32_MAX };
		/* The group bits of a mode are the mask, where there is one; acl(5). */
		if (type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS && tag == ARCHIVE_ENTRY_ACL_MASK)
			node->mode = (node->mode & ~070u) | ((uint32_t)permissions & 7) << 3;
	}
	qsort(items, used, sizeof *items, acl_order);
	value[0] = 2; /* the version, 32 bits */
	memcpy(value + 4, items, used * sizeof *items);
	fsys_node_add_xattr(node, name, value, 4 + used * sizeof *items);
}

static void node_xattrs(struct fsys_node *node, struct archive_entry *entry)
{
	int acl_types = archive_entry_acl_types(entry);
	const void *value;
	const char *name;
	size_t length;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &length) == ARCHIVE_OK)
		fsys_node_add_xattr(node, name, value, length);
	if (acl_types & ARCHIVE_ENTRY_ACL_TYPE_ACCESS)
		acl_add(node, entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access");
	if (acl_types & ARCHIVE_ENTRY_ACL_TYPE_DEFAULT)
		acl_add(node, entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default");
}

static void node_read(struct archive_entry *entry, struct fsys_node *node)
{
	node->mode = archive_entry_mode(entry);
	node->uid = (uint32_t)archive_entry_uid(entry);
	node->gid = (uint32_t)archive_entry_gid(entry);
	node->device_major = (uint32_t)archive_entry_rdevmajor(entry);
	node->device_minor = (uint32_t)archive_entry_rdevminor(entry);
	node->modification = (struct fsys_time){ archive_entry_mtime(entry),
						 (uint32_t)archive_entry_mtime_nsec(entry) };
	node->access = node->change = node->modification;
	if (archive_entry_atime_is_set(entry))
		node->access = (struct fsys_time){ archive_entry_atime(entry),
						   (uint32_t)archive_entry_atime_nsec(entry) };
	if (archive_entry_ctime_is_set(entry))
		node->change = (struct fsys_time){ archive_entry_ctime(entry),
						   (uint32_t)archive_entry_ctime_nsec(entry) };
	node->target = archive_entry_symlink(entry);
	node_xattrs(node, entry);
}

static int data_copy(struct archive *archive, const char *archive_path, struct fsys_file *file,
		     struct err *err)
{
	const void *data;
	size_t length;
	la_int64_t offset;

	for (;;) {
		int status = archive_read_data_block(archive, &data, &length, &offset);

		if (status == ARCHIVE_EOF)
			return 0;
		if (status < ARCHIVE_WARN)
			return archive_failed(archive, archive_path, err);
		int r = fsys_file_write(file, (uint64_t)offset, data, length, err);
		if (r < 0)
			return r;
	}
}

static int file_unpack(struct fsys *fsys, struct archive *archive, struct archive_entry *entry,
		       const char *archive_path, const char *name, const struct fsys_node *node,
		       struct err *err)
{
	CLEANUP(fsys_file_cleanup) struct fsys_file *file = NULL;
	int r = fsys_node_make(fsys, name, node, &file, err);

	if (r == 0)
		r = data_copy(archive, archive_path, file, err);
	if (r < 0)
		return r;
	fsys_file_set_size(file, (uint64_t)archive_entry_size(entry));
	return fsys_file_close(take(&file), err);
}

static int entry_unpack(struct fsys *fsys, struct archive *archive, struct archive_entry *entry,
			const char *archive_path, struct err *err)
{
	struct fsys_node node = { 0 };
	const char *name, *link = archive_entry_hardlink(entry);
	int r = name_check(archive_path, archive_entry_pathname(entry), &name, err);

	if (r < 0)
		return r;
	if (link) {
		r = name_check(archive_path, link, &link, err);
		return r < 0 ? r : fsys_node_link(fsys, name, link, err);
	}
	node_read(entry, &node);
	if (S_ISLNK(node.mode) && !node.target)
		r = err_set(err, -EBADMSG, "%s: a symlink without a target", name);
	else if (S_ISREG(node.mode))
		r = file_unpack(fsys, archive, entry, archive_path, name, &node, err);
	else
		r = fsys_node_make(fsys, name, &node, NULL, err);
	fsys_node_done(&node);
	return r < 0 ? err_wrap(err, r, "%s: %s", archive_path, name) : 0;
}

int fsys_unpack(struct fsys *fsys, const char *archive_path, struct err *err)
{
	CLEANUP(archive_cleanup) struct archive *archive = archive_read_new();
	struct archive_entry *entry;

	archive_read_support_filter_all(archive);
	archive_read_support_format_tar(archive);
	archive_read_support_format_cpio(archive);
	if (archive_read_open_filename(archive, archive_path, READ_BYTES) != ARCHIVE_OK)
		return archive_failed(archive, archive_path, err);
	for (;;) {
		int status = archive_read_next_header(archive, &entry);

		if (status == ARCHIVE_EOF)
			return 0;
		if (status < ARCHIVE_WARN)
			return archive_failed(archive, archive_path, err);
		int r = entry_unpack(fsys, archive, entry, archive_path, err);
		if (r == 0)
			r = fsys_node_settle(fsys, err);
		if (r < 0)
			return r;
	}
}
