/* The verb `up`. */
#pragma once
#include "cmd/command.h"

extern const struct command up_command;
