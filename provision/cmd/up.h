/* nestctl up: a built stack runs, and goes on running. */
#pragma once
#include "cmd/command.h"

extern const struct command up_command;
