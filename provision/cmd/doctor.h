/* The verb `doctor`. */
#pragma once
#include "cmd/command.h"

extern const struct command doctor_command;
