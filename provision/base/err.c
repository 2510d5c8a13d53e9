#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/str.h"

static void err_replace(struct err *err, int code, char *text)
{
	free(err->text);
	err->text = text;
	err->code = code;
}

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	va_start(args, format);
	err_replace(err, code, str_vformat(format, args));
	va_end(args);
	return code;
}

int err_errno(struct err *err, int errnum, const char *format, ...)
{
	va_list args;

	if (!err)
		return -errnum;
	va_start(args, format);
	CLEANUP(free_cleanup) char *what = str_vformat(format, args);
	va_end(args);
	err_replace(err, -errnum, str_format("%s: %s", what, strerror(errnum)));
	return -errnum;
}

int err_wrap(struct err *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	va_start(args, format);
	CLEANUP(free_cleanup) char *what = str_vformat(format, args);
	va_end(args);
	err_replace(err, code, str_format("%s: %s", what, err->text ? err->text : strerror(-code)));
	return code;
}

void err_clear(struct err *err)
{
	if (!err)
		return;
	err_replace(err, 0, NULL);
}

int err_exit_status(const struct err *err)
{
	switch (err->code) {
	case -EINVAL:
		return 2;
	case -EBADMSG:
		return 3;
	default:
		return 1;
	}
}
