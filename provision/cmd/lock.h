/* nestctl lock: which packages a stack is made from. */
#pragma once
#include "cmd/command.h"

extern const struct command lock_command;
