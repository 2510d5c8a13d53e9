/* nestctl doctor: what this machine lacks. */
#pragma once
#include "cmd/command.h"

extern const struct command doctor_command;
