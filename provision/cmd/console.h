/* The verb `console`. */
#pragma once
#include "cmd/command.h"

extern const struct command console_command;
