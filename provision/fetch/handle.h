/* What the files of fetch/ share: all transfers, single ones and many at a time. No file outside
 * fetch/ includes this; libcurl's types stay behind it. */
#pragma once
#include <curl/curl.h>
#include <stdbool.h>

/* http, https, ftp and file; redirects never lead to a local file; 15 s to connect; no signals. url
 * and problem, CURL_ERROR_SIZE bytes for libcurl's own words, outlive the transfer. */
void handle_setup(CURL *curl, const char *url, char *problem);
/* Slower than 4 KiB/s for so long, and it ends with CURLE_OPERATION_TIMEDOUT. */
void handle_patience(CURL *curl, long seconds);
/* After the transfer: the server has no such file, and will not have it a moment later. */
bool handle_says_gone(CURL *curl, CURLcode code);
