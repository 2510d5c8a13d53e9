#include "install/answer.h"

#include <errno.h>

int answer_make(const char *stack_name, const struct layer *layer,
		const struct answers_format **ret_format, char **ret_text, struct err *err)
{
	const struct answers_request request = { .layer = layer, .stack_name = stack_name };
	const struct answers_format *format = answers_format_of(layer->os_family);

	int r = format->emit(&request, ret_text, err);

	if (r < 0)
		return err_wrap(err, r, "%s: answers for its installer", layer->name);
	*ret_format = format;
	return 0;
}
