/* The installer's machine, from power-on to its own power-off. */
#pragma once
#include "install/boot_files.h"

/* disk: absolute path of the raw disk that it installs to; work: absolute, the machine's working
 * folder. Errors as install_run's. */
int phase_one_run(const struct install_request *request, const struct boot_files *files,
		  const char *work, const char *disk, struct err *err);
