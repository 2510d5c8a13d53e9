#include "fix/menu_source.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/url_text.h"
#include "fetch/url.h"
#include "fix/files.h"

/* Larger than any menu, or with the mark of a boot sector: a disk. */
static bool looks_like_image(const char *path)
{
	CLEANUP(free_cleanup) char *head = NULL;
	struct stat status;
	size_t length;

	if (stat(path, &status) < 0 || !S_ISREG(status.st_mode))
		return false;
	if (status.st_size > (off_t)GRUBFIX_MAX_BYTES)
		return true;
	return file_read(path, GRUBFIX_MAX_BYTES, &head, &length, NULL) == 0 && length >= 512 &&
	       memchr(head, '\0', 512);
}

static int from_image(const char *path, enum grubfix_type wanted, struct menu_source *source,
		      struct err *err)
{
	CLEANUP(target_cleanup) struct target *target = NULL;
	struct fix_files files = { 0 };
	struct strv remarks = { 0 };
	struct fix_file *file = NULL;
	int r = target_open_image(path, 0, false, &target, err);

	if (r == 0)
		r = files_collect(target, &files, &remarks, err);
	if (r == 0 && wanted != GRUBFIX_UNKNOWN)
		file = files_first(&files, wanted);
	if (r == 0 && !file)
		file = files_first(&files, GRUBFIX_LEGACY);
	if (r == 0 && !file)
		file = files_first(&files, GRUBFIX_GRUB_CFG);
	if (r == 0 && !file)
		r = err_set(err, -EBADMSG, "%s: has no boot menu in /boot", path);
	if (file) {
		source->type = file->type;
		source->length = file->length;
		source->text = take(&file->text);
		source->name = str_format("%s:%s", path, file->path);
	}
	files_done(&files);
	strv_done(&remarks);
	return r;
}

static int from_text(const char *name, enum grubfix_type wanted, struct menu_source *source,
		     struct err *err)
{
	source->name = str_copy(name);
	source->type = grubfix_type_find(name, source->text, source->length);
	if (source->type == GRUBFIX_UNKNOWN)
		source->type = wanted;
	if ((source->type == GRUBFIX_LEGACY || source->type == GRUBFIX_GRUB_CFG) &&
	    !memchr(source->text, '\0', source->length))
		return 0;
	return err_set(err, -EBADMSG, "%s: is no boot menu (menu.lst or grub.cfg)", name);
}

int menu_source_read(const char *text, enum grubfix_type wanted, struct menu_source *ret_source,
		     struct err *err)
{
	int r;

	if (is_url(text)) {
		r = fetch_url(text, GRUBFIX_MAX_BYTES, &ret_source->text, &ret_source->length, err);
		return r < 0 ? r : from_text(text, wanted, ret_source, err);
	}
	if (looks_like_image(text))
		return from_image(text, wanted, ret_source, err);
	r = file_read(text, GRUBFIX_MAX_BYTES, &ret_source->text, &ret_source->length, err);
	return r < 0 ? r : from_text(text, wanted, ret_source, err);
}

void menu_source_done(struct menu_source *source)
{
	free(source->text);
	free(source->name);
	*source = (struct menu_source){ 0 };
}
