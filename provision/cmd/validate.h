/* nestctl validate: every error of a stack or lab. */
#pragma once
#include "cmd/command.h"

extern const struct command validate_command;
