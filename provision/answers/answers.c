#include "answers/answers.h"

#include <errno.h>

#include "answers/formats.h"

static const struct answers_format *const formats[] = {
	&autoyast_format, &kickstart_format, &preseed_format,
	&esxi_format,	  &xcp_ng_format,    &proxmox_format,
};

#define FORMATS (sizeof formats / sizeof *formats)

const struct answers_format *answers_format_at(size_t index)
{
	return index < FORMATS ? formats[index] : NULL;
}

const struct answers_format *answers_format_of(enum os_family_id family)
{
	size_t index = 0;

	while (index + 1 < FORMATS && formats[index]->family != family)
		index++;
	return formats[index];
}

bool answers_format_is_local(const struct answers_format *format)
{
	return format->initrd_args || format->volume_label || format->on_medium;
}

static const struct answers_format *format_named(const char *name)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (str_equal(formats[i]->name, name))
			return formats[i];
	return NULL;
}

int answers_format_find(const struct layer *layer, const char *name,
			const struct answers_format **ret_format, struct err *err)
{
	const struct answers_format *own = answers_format_of(layer->os_family);
	const struct answers_format *format = name ? format_named(name) : own;
	CLEANUP(strv_done) struct strv names = { 0 };

	for (size_t i = 0; i < FORMATS; i++)
		strv_add(&names, formats[i]->name);
	CLEANUP(free_cleanup) char *list = strv_join(&names, ", ");
	if (!format)
		return err_set(err, -EINVAL, "\"%s\" is no format of answer files; there are %s",
			       name, list);
	if (format != own)
		return err_set(err, -EINVAL,
			       "%s is a layer of family %s, whose installer reads %s, not %s",
			       layer->name, os_family_name(layer->os_family), own->name,
			       format->name);
	*ret_format = format;
	return 0;
}
