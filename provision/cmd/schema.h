/* nestctl schema: what can stand in stack, profile and lab files. */
#pragma once
#include "cmd/command.h"

extern const struct command schema_command;
