#include "install/answer.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/url_text.h"

bool answer_without_cdrom(const struct layer *layer)
{
	const char *medium = layer->install.medium;
	struct stat status;

	return *medium && !is_url(medium) && stat(medium, &status) == 0 && S_ISDIR(status.st_mode);
}

int answer_make(const char *stack_name, const struct layer *layer,
		const struct answers_format **ret_format, char **ret_text, struct err *err)
{
	const struct answers_request request = { .layer = layer,
						 .stack_name = stack_name,
						 .no_cdrom = answer_without_cdrom(layer) };
	const struct answers_format *format = answers_format_of(layer->os_family);

	int r = format->emit(&request, ret_text, err);

	if (r < 0)
		return err_wrap(err, r, "%s: answers for its installer", layer->name);
	*ret_format = format;
	return 0;
}
