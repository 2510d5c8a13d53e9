/* The verb `exec`. */
#pragma once
#include "cmd/command.h"

extern const struct command exec_command;
