/* nestctl exec: a command in a level of a running stack. */
#pragma once
#include "cmd/command.h"

extern const struct command exec_command;
