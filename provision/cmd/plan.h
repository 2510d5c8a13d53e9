/* nestctl plan: the steps of a build, none of them done. */
#pragma once
#include "cmd/command.h"

extern const struct command plan_command;
