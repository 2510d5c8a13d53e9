/* A folder in memory for files that nobody keeps: there a sync costs nothing. */
#pragma once
#include <stdint.h>

#define MEMORY_FOLDER "/dev/shm"

/* Where many files of that size in all may be put and programs run; NULL where the machine has no
 * such folder, or not twice the memory to spare. A static string. */
const char *memory_folder(uint64_t bytes);
/* Memory that can be had without swapping; 0 if the kernel does not say. */
uint64_t memory_available_bytes(void);
