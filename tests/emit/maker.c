/* Prints what an emitter makes of L1 of a stack: maker FORMAT STACK DISK_BYTES [NAME]. NAME takes
 * the place of the layer's: profiles allow no name that is hostile. A layer that the format cannot
 * express: the message, status 2. maker STACK FOLDER: what build-stack does at the end with a
 * folder that has l1.raw in it. Without arguments: the names of the formats. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "emit/emit.h"
#include "guest/format.h"

static const struct guest_format *format_find(const char *name)
{
	const struct guest_format *format;

	for (size_t i = 0; (format = guest_format_at(i)); i++)
		if (str_equal(format->name, name))
			break;
	return format;
}

static int emit(char **argv, struct err *err)
{
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	const struct guest_format *format = format_find(argv[0]);
	int r = stack_load(argv[1], &stack, err);

	if (r < 0)
		return r;
	struct layer *layer = stack->layers[0];
	if (argv[3]) {
		free(layer->name);
		layer->name = str_copy(argv[3]);
	}
	r = guest_format_check(format, layer, err);
	if (r < 0)
		return r;
	CLEANUP(free_cleanup)
	char *text = guest_format_emit(format, layer, strtoull(argv[2], NULL, 10));
	fputs(text, stdout);
	return 0;
}

static int write_all(char **argv, struct err *err)
{
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	int r = stack_load(argv[0], &stack, err);

	return r < 0 ? r : emit_write(stack, argv[1], err);
}

static int run(int argc, char **argv, struct err *err)
{
	if (argc == 3)
		return write_all(argv + 1, err);
	if (argc < 4 || !format_find(argv[1]))
		return err_set(err, -EINVAL, "wrong usage");
	return emit(argv + 1, err);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	int status = 0;

	for (size_t i = 0; argc == 1 && guest_format_at(i); i++)
		puts(guest_format_at(i)->name);
	if (argc == 1)
		return 0;
	if (run(argc, argv, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		status = err_exit_status(&err);
	}
	err_clear(&err);
	return status;
}
