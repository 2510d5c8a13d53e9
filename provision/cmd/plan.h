#pragma once
#include "cmd/command.h"

extern const struct command plan_command;
