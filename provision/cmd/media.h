/* nestctl media: what an installation medium is, and files of it. */
#pragma once
#include "cmd/command.h"

extern const struct command media_command;
