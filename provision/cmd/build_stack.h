/* nestctl build-stack: images, a boot, a proof of every level. */
#pragma once
#include "cmd/command.h"

extern const struct command build_stack_command;
