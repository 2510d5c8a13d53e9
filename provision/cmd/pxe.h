#pragma once
#include "cmd/command.h"

extern const struct command pxe_command;
