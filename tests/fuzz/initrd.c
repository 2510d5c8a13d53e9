/* What must hold for any bytes that stand for an initrd: its names are told or an error, and
 * nothing is read past its end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_limit.h"
#include "fix/cpio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads each name to its end. */
static void name_note(void *context, const char *path)
{
	*(size_t *)context += strlen(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(err_clear) struct err err = { 0 };
	size_t total = 0;
	char *copy = malloc(size + 1); /* its own, so that reading past the end is seen */

	cpu_limit_start();
	memcpy(copy, data, size);
	copy = realloc(copy, size ? size : 1);
	if (cpio_each_name(copy, size, name_note, &total, &err) < 0 && !err.text)
		abort(); /* an error without a reason */
	free(copy);
	return 0;
}
