/* nestctl down: a running stack powers down. */
#pragma once
#include "cmd/command.h"

extern const struct command down_command;
