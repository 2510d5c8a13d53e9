#include "fix/guest_file.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "fix/target.h"

int guest_file_plan(const char *path, enum grubfix_type type, const struct grubfix_guest *guest,
		    struct guest_file *ret_file, struct err *err)
{
	const struct grubfix_facts facts = { .guest = *guest };
	struct stat status;

	ret_file->path = realpath(path, NULL);
	if (!ret_file->path || stat(ret_file->path, &status) < 0)
		return err_errno(err, errno, "%s: cannot be opened", path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, -EBADMSG, "%s: is no regular file", path);
	int r = file_read(ret_file->path, GRUBFIX_MAX_BYTES, &ret_file->text, &ret_file->length,
			  err);
	if (r == -EFBIG)
		return err_set(err, -EBADMSG, "%s: is larger than %zu bytes: it is no guest config",
			       path, GRUBFIX_MAX_BYTES);
	if (r < 0)
		return r;
	if (type == GRUBFIX_UNKNOWN)
		type = grubfix_type_find(path, ret_file->text, ret_file->length);
	if (type != GRUBFIX_UNKNOWN && type < GRUBFIX_XM)
		return err_set(err, -EBADMSG, "%s: is a %s, no guest config", path,
			       grubfix_type_name(type));
	if (guest->translate_to != GRUBFIX_UNKNOWN && type > GRUBFIX_XL)
		return err_set(err, -EBADMSG,
			       "%s: is a config of %s: only those of xm and xl are translated "
			       "(leave --to out)",
			       path, type == GRUBFIX_SXP ? "xend (SXP)" : "libvirt");
	const struct grubfix_request request = {
		.name = path,
		.text = ret_file->text,
		.length = ret_file->length,
		.type = type,
		.facts = &facts,
	};
	return grubfix_run(&request, &ret_file->result, err);
}

static int write_like(const char *path, const struct stat *like, const void *data, size_t length,
		      struct err *err)
{
	CLEANUP(temp_done) struct temp temp = TEMP_INIT;
	int r = temp_open(&temp, path, 0600, err);

	if (r < 0)
		return r;
	r = fd_write_all(temp.fd, data, length);
	if (r < 0)
		return err_errno(err, -r, "%s: cannot be written", path);
	r = fd_keep_owner(temp.fd, like->st_uid, like->st_gid);
	if (r < 0)
		return err_errno(err, -r, "%s: cannot keep its owner", path);
	if (fchmod(temp.fd, like->st_mode & 07777) < 0)
		return err_errno(err, errno, "%s: cannot keep its mode", path);
	return temp_publish(&temp, err);
}

int guest_file_write(const struct guest_file *file, struct err *err)
{
	CLEANUP(free_cleanup) char *backup = str_format("%s" TARGET_BACKUP_SUFFIX, file->path);
	struct stat status, other;
	int r = 0;

	if (!file->result.changed)
		return 0;
	if (stat(file->path, &status) < 0)
		return err_errno(err, errno, "%s: cannot be examined", file->path);
	if (lstat(backup, &other) < 0)
		r = write_like(backup, &status, file->text, file->length, err);
	if (r == 0)
		r = write_like(file->path, &status, file->result.text, file->result.length, err);
	return r;
}

void guest_file_done(struct guest_file *file)
{
	free(file->path);
	free(file->text);
	grubfix_result_done(&file->result);
	*file = (struct guest_file){ 0 };
}
