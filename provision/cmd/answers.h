/* nestctl answers: what a vendor's unattended installer reads. */
#pragma once
#include "cmd/command.h"

extern const struct command answers_command;
