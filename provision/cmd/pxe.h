/* nestctl pxe: a lab of machines, over the network. */
#pragma once
#include "cmd/command.h"

extern const struct command pxe_command;
