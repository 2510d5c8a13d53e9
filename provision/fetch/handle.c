#include "fetch/handle.h"

#define CONNECT_SECONDS 15L
#define REDIRECTS	5L
#define SLOW_BYTES	4096L /* a second */

void handle_setup(CURL *curl, const char *url, char *problem)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,ftp,file");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https,ftp");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "nestctl/" NESTCTL_VERSION);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
}

void handle_patience(CURL *curl, long seconds)
{
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, seconds);
}

bool handle_says_gone(CURL *curl, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status == 404 || status == 410 || code == CURLE_FILE_COULDNT_READ_FILE ||
	       code == CURLE_REMOTE_FILE_NOT_FOUND;
}
