/* The verb `status`. */
#pragma once
#include "cmd/command.h"

extern const struct command status_command;
