/* A text from a URL, by libcurl. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* "https://...", "ftp://...": anything with a scheme. */
bool is_url(const char *text);
/* http, https, ftp and file, at most max_bytes, 15 s to connect and 60 s in all. Redirects never
 * lead to a local file. A password in the URL is not printed. The caller frees. */
int fetch_url(const char *url, size_t max_bytes, char **ret_text, size_t *ret_length,
	      struct err *err);
