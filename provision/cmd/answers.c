#include "cmd/answers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "answers/answers.h"
#include "base/data.h"
#include "base/fs.h"
#include "install/answer.h"

static const struct option_row options[] = {
	{ "layer", 'l', "NAME", "the layer (default: the outermost)" },
	{ "format", 'f', "FORMAT",
	  "autoyast, kickstart, preseed, esxi, xcp-ng or proxmox (default: the family's)" },
	{ "without-agent", 0, NULL, "leave the agent out" },
	{ "output", 'o', "FILE", "write FILE, mode 0600 (default: standard output)" },
	{ NULL, 0, NULL, NULL },
};

static int layer_find(const struct stack *stack, const char *name, const struct layer **ret_layer,
		      struct err *err)
{
	CLEANUP(strv_done) struct strv names = { 0 };

	if (!name) {
		*ret_layer = stack->layers[0];
		return 0;
	}
	*ret_layer = stack_layer(stack, name);
	if (*ret_layer)
		return 0;
	for (size_t i = 0; i < stack->layer_count; i++)
		strv_add(&names, stack->layers[i]->name);
	CLEANUP(free_cleanup) char *list = strv_join(&names, ", ");
	return err_set(err, -EINVAL, "%s: has no layer \"%s\"; its layers are %s", stack->path,
		       name, list);
}

/* Whole and durable, or not there at all: it holds the hash of root's password. */
static int text_write(const char *text, const char *path, struct err *err)
{
	if (path)
		return file_write(path, text, strlen(text), 0600, err);
	if (fputs(text, stdout) < 0 || fflush(stdout) < 0)
		return err_errno(err, errno, "standard output: cannot write the answer file");
	return 0;
}

static int answers_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	CLEANUP(free_cleanup) char *agent = NULL;
	CLEANUP(free_cleanup) char *text = NULL;
	const struct answers_format *format = NULL;
	struct answers_request request = { 0 };
	int r = stack_load_for_answers(arguments->rest[0], &stack, err);

	if (r == 0)
		r = layer_find(stack, argument(arguments, "layer"), &request.layer, err);
	if (r == 0)
		r = answers_format_find(request.layer, argument(arguments, "format"), &format, err);
	if (r == 0 && format->agent && !argument_given(arguments, "without-agent"))
		r = data_read("nestctl-agent", &agent, &request.agent_length, err);
	if (r != 0)
		return r;
	request.stack_name = stack->name;
	request.no_cdrom = answer_without_cdrom(request.layer);
	request.agent = agent;
	r = format->emit(&request, &text, err);
	return r < 0 ? r : text_write(text, argument(arguments, "output"), err);
}

const struct command answers_command = {
	.name = "answers",
	.synopsis = "PROFILE [--layer NAME] [--format FORMAT] [--output FILE] ...",
	.summary = "Prints what the vendor's unattended installer reads to make a layer",
	.options = options,
	.min_rest = 1,
	.max_rest = 1,
	.run = answers_run,
};
