/* What a URL names, by libcurl: a text, or a large file that goes to the disk as it comes. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* PATH ("api/lab") below the http or https URL of a server, which ends with its port or a path; the
 * caller frees. -EINVAL: it is none. */
int fetch_url_below(const char *server, const char *path, char **ret_url, struct err *err);

/* http, https, ftp and file, at most max_bytes, 15 s to connect and 60 s in all. Redirects never
 * lead to a local file. A password in the URL is not printed. The caller frees. -EBADMSG: there
 * is more of it; -ENOENT: an HTTP server has none or does not give it (status 4xx); -EINTR: a
 * signal asked us to stop; -ETIMEDOUT, -EIO: it does not come. */
int fetch_url(const char *url, size_t max_bytes, char **ret_text, size_t *ret_length,
	      struct err *err);

/* The same for a large file, of at most max_bytes: it goes to an open descriptor, behind the bytes
 * that it has from an earlier try; as long as bytes come it may take its time. If the server cannot
 * go on there, the file is emptied and begun anew. What came stays there on failure. -ENOENT: the
 * server has no such file; -EINTR: a signal asked us to stop; -EFBIG: it is larger; -ENOSPC and the
 * like: it cannot be written. */
int fetch_url_to(const char *url, int fd, uint64_t max_bytes, struct err *err);
