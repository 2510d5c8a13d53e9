/* A layer's values as several formats need them. Pure; what is returned is the caller's. */
#pragma once
#include "profile/address.h"

enum keyboard_system { KEYBOARD_SUSE, KEYBOARD_ESXI, KEYBOARD_CONSOLE, KEYBOARD_PROXMOX };

/* "host.domain", or the host's name alone. */
char *full_host_name(const struct layer *layer);
/* A locale that every distribution has: en_US.UTF-8 stands for C and POSIX. */
const char *installed_locale(const struct layer *layer);
/* What a system calls the keyboard layout of that name, NULL if it is not known here. */
const char *keyboard_name(const char *keymap, enum keyboard_system system);
bool is_xen(const struct layer *layer);
/* Packages of its own names, its groups' and its profile's; the caller strv_done()s. */
struct strv layer_packages(const struct layer *layer, const char *const *base);
