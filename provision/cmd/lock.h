#pragma once
#include "cmd/command.h"

extern const struct command lock_command;
