#pragma once
#include "cmd/command.h"

extern const struct command validate_command;
