#pragma once
#include "cmd/command.h"

extern const struct command schema_command;
