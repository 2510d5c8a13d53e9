/* URLs as texts. Apart from what fetches them: profiles name URLs, and need no libcurl. */
#pragma once
#include <stdbool.h>

/* "https://...", "ftp://...": anything with a scheme. */
bool is_url(const char *text);
/* The URL without user and password, for messages; the caller frees. */
char *url_shown(const char *url);
