/* nestctl fix-guest: repairs a guest config. */
#pragma once
#include "cmd/command.h"

extern const struct command fix_guest_command;
