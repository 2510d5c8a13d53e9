/* Temporary folders of processes that were killed: the next one of the same user takes them away.
 */
#pragma once

/* "nestctl-USER-PROCESS", of this process; the caller frees. What follows a dash behind it is
 * anybody's. */
char *left_over_name(void);

/* Those of this user's ended processes that lie in a folder and were not touched for so long:
 * another container that shares the folder has processes that are not seen here. */
void left_overs_remove(const char *above, unsigned old_seconds, void (*remove)(const char *path));
