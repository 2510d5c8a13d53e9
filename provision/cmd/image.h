/* nestctl image: what is in an image, and small edits of it. */
#pragma once
#include "cmd/command.h"

extern const struct command image_command;
