#pragma once
#include "cmd/command.h"

extern const struct command build_stack_command;
