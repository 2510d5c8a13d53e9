/* What clients of the web server say, taken apart: targets, queries, ranges, hosts. Text in, text
 * out; all of it is hostile.
 */
#pragma once
#include "pxe/ledger.h"

/* The path of a request's target, percent-decoded once, without its first '/', and the query behind
 * '?', as it came. -EINVAL: not in origin form, longer than 1 KiB, an element "." or "..", a
 * control character, NUL, a '\' or '/' that was hidden in an escape. Doubled slashes are one. The
 * caller frees both. */
int web_target_parse(const char *target, char **ret_path, char **ret_query);

/* A parameter of a query, decoded; "" where it is missing, too long or no text. */
void web_query_value(const char *query, const char *name, char *ret_value, size_t size);

/* "TOKEN/rest" from a path: false if it does not begin with what can be a token. *ret_rest points
 * into path. */
bool web_token_split(const char *path, char ret_token[TOKEN_LENGTH + 1], const char **ret_rest);

enum web_range { WEB_RANGE_WHOLE, WEB_RANGE_PART, WEB_RANGE_BEYOND };

/* RFC 9110, 14.1.2: a single range of a file of size bytes. What is malformed, of another unit, or
 * a list means the whole file. header may be NULL. */
enum web_range web_range_parse(const char *header, uint64_t size, uint64_t *ret_first,
			       uint64_t *ret_length);

/* Is one of an If-None-Match's entity tags this one (without quotes)? '*' is. */
bool web_etag_listed(const char *header, const char *etag);
/* Is an If-Range's single strong entity tag this one? */
bool web_etag_is(const char *header, const char *etag);

/* Is a Host header an address or localhost, with or without a port? A name could be anybody's (DNS
 * rebinding). NULL is none. */
bool web_host_is_address(const char *host);
/* Is an Origin header the page that Host names, over plain HTTP? */
bool web_origin_is_host(const char *origin, const char *host);

/* What boot programs call their platform: "pcbios", "efi", "i386-pc", "x86_64-efi" ... */
enum firmware web_firmware(const char *arch);
/* Text that is no MAC address (12 digits) or UUID (32) by its characters becomes "". */
void web_identity_check(char *text, size_t digits);
