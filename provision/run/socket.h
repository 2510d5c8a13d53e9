/* Unix sockets by folder and name: the path may be longer than the 108 bytes of sun_path. */
#pragma once
#include "base/err.h"

/* A listening stream socket, non-blocking; the name must be free. Descriptor or negative errno. */
int socket_listen(int folder, const char *name, struct err *err);
/* A connected one. -ECONNREFUSED, -ENOENT: nobody listens. */
int socket_connect(const char *folder, const char *name, struct err *err);
