#include "base/memory_folder.h"

#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs.h"

#define MEMINFO_MAX_BYTES 65536

uint64_t memory_available_bytes(void)
{
	CLEANUP(free_cleanup) char *text = NULL;
	unsigned long long kib = 0;

	if (file_read("/proc/meminfo", MEMINFO_MAX_BYTES, &text, NULL, NULL) < 0)
		return 0;
	const char *line = strstr(text, "MemAvailable:");
	if (line)
		sscanf(line, "MemAvailable: %llu", &kib);
	return kib << 10;
}

const char *memory_folder(uint64_t bytes)
{
	struct statfs kind;
	struct statvfs room;

	if (statfs(MEMORY_FOLDER, &kind) < 0 || kind.f_type != TMPFS_MAGIC ||
	    statvfs(MEMORY_FOLDER, &room) < 0)
		return NULL;
	if (room.f_flag & (ST_NOEXEC | ST_RDONLY) || access(MEMORY_FOLDER, W_OK | X_OK) < 0)
		return NULL;
	if ((uint64_t)room.f_bavail * room.f_frsize < bytes || memory_available_bytes() / 2 < bytes)
		return NULL;
	return MEMORY_FOLDER;
}
