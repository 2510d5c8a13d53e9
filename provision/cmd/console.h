/* nestctl console: the terminal at the console of a level. */
#pragma once
#include "cmd/command.h"

extern const struct command console_command;
