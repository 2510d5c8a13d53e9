/* The verbs, in the order of --help. */
#include "cmd/command.h"

#include <string.h>

#include "cmd/answers.h"
#include "cmd/build_stack.h"
#include "cmd/bundle.h"
#include "cmd/console.h"
#include "cmd/doctor.h"
#include "cmd/down.h"
#include "cmd/exec.h"
#include "cmd/fix.h"
#include "cmd/fix_guest.h"
#include "cmd/image.h"
#include "cmd/lock.h"
#include "cmd/media.h"
#include "cmd/plan.h"
#include "cmd/pxe.h"
#include "cmd/schema.h"
#include "cmd/status.h"
#include "cmd/store.h"
#include "cmd/up.h"
#include "cmd/validate.h"

static const struct command *const commands[] = {
	&build_stack_command, &plan_command,	  &validate_command, &lock_command,
	&bundle_command,      &doctor_command,	  &up_command,	     &status_command,
	&console_command,     &exec_command,	  &down_command,     &image_command,
	&fix_command,	      &fix_guest_command, &answers_command,  &media_command,
	&store_command,	      &schema_command,	  &pxe_command,
};

#define COMMANDS ((int)(sizeof commands / sizeof *commands))

const struct command *command_at(int index)
{
	return index < COMMANDS ? commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}
