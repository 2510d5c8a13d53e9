/* The folder in memory that a base tree is made in. A build that was killed leaves its tree there:
 * the next one takes it away, memory is dear. */
#pragma once
#include <stdint.h>

#include "base/err.h"

/* Makes it and takes away those of builds that are no more. *ret_folder NULL: there is no room for
 * so many bytes, or TMPDIR names another place. The caller frees. */
void work_folder_make(uint64_t bytes, char **ret_folder);
/* With all that is left in it; frees the name. NULL is allowed. */
void work_folder_cleanup(char **folder);
