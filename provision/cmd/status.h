/* nestctl status: what the levels of a running stack do. */
#pragma once
#include "cmd/command.h"

extern const struct command status_command;
