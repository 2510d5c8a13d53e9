#pragma once
#include "cmd/command.h"

extern const struct command answers_command;
