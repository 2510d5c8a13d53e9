#include "base/url_text.h"

#include <string.h>

#include "base/str.h"

bool is_url(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+");

	return length > 1 && str_starts(text + length, "://");
}

char *url_shown(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	const char *end = host + strcspn(host, "/"), *at = memrchr(host, '@', (size_t)(end - host));

	return at ? str_format("%.*s%s", (int)(host - url), url, at + 1) : str_copy(url);
}
