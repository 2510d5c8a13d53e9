/* The answer file of a layer that nestctl installs. The agent is not in it: it is put into the disk
 * afterwards, as everything else that belongs to nestctl. */
#pragma once
#include "answers/answers.h"

/* Is the layer's medium a folder, as far as this machine knows now? */
bool answer_without_cdrom(const struct layer *layer);

/* Neither is NULL after a success; the caller frees the text. -EINVAL: they cannot express the
 * layer. */
int answer_make(const char *stack_name, const struct layer *layer,
		const struct answers_format **ret_format, char **ret_text, struct err *err);
