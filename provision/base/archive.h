/* What libarchive lacks: for CLEANUP. */
#pragma once
#include <archive.h>
#include <archive_entry.h>

/* Closes and frees an archive that is read; NULL is allowed. */
static inline void archive_cleanup(struct archive **archive)
{
	archive_read_free(*archive);
}

/* NULL is allowed. */
static inline void archive_entry_cleanup(struct archive_entry **entry)
{
	archive_entry_free(*entry);
}
