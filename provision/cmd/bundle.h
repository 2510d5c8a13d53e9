/* nestctl bundle: all that a machine without a network needs. */
#pragma once
#include "cmd/command.h"

extern const struct command bundle_command;
