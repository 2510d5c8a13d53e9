/* The patterns, one file each. */
#pragma once
#include "pattern/pattern.h"

extern const struct pattern xen_host_pattern;
extern const struct pattern guest_pattern;
extern const struct pattern leaf_pattern;

/* Drivers of hardware that no machine of a lab has: 150 MiB in every layer. dpkg's path-exclude. */
extern const char *const no_such_hardware[];
/* Units that a machine of a lab has no use for, each a second or more of an emulated CPU. */
extern const char *const idle_units[];
/* systemd generators for set-ups that no layer has. */
extern const char *const idle_generators[];
