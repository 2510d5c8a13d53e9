/* nestctl fix: repairs the boot files inside a disk image or a folder. */
#pragma once
#include "cmd/command.h"

extern const struct command fix_command;
