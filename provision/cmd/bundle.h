#pragma once
#include "cmd/command.h"

extern const struct command bundle_command;
