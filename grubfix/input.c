#include "input.h"

#include <errno.h>
#include <stdio.h>

#include "base/str.h"

int input_read(const char *path, size_t max_bytes, char **ret_text, size_t *ret_length,
	       struct err *err)
{
	CLEANUP(buf_done) struct buf text = { 0 };
	CLEANUP(file_cleanup) FILE *opened = str_equal(path, "-") ? NULL : fopen(path, "re");
	FILE *file = opened ? opened : stdin;
	char block[65536];
	size_t got;

	if (!opened && !str_equal(path, "-"))
		return err_errno(err, errno, "%s: cannot be opened", path);
	buf_text(&text, "");
	while ((got = fread(block, 1, sizeof block, file)) > 0) {
		buf_add(&text, block, got);
		if (text.length > max_bytes)
			return err_set(err, -EBADMSG,
				       "%s: is larger than %zu bytes (is it the right file?)", path,
				       max_bytes);
	}
	if (ferror(file))
		return err_errno(err, errno, "%s: cannot be read", path);
	*ret_length = text.length;
	*ret_text = take(&text.data);
	return 0;
}
