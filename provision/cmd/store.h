/* nestctl store: what earlier builds left to later ones. */
#pragma once
#include "cmd/command.h"

extern const struct command store_command;
