/* Forms of texts in profiles. Each says yes or no to one text. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

bool valid_name(const char *text);	    /* letters, digits, - _ ., at most 63 */
bool valid_host_name(const char *text);	    /* one label of RFC 1123 */
bool valid_domain(const char *text);	    /* "" or labels with dots */
bool valid_mac(const char *text);	    /* "" or a unicast address, not zero */
bool valid_label(const char *text);	    /* at most 16 bytes, printable */
bool valid_mount_point(const char *text);   /* "" or one that a layer can have on its own */
bool valid_password_hash(const char *text); /* "" or crypt(5) */
bool valid_ssh_key(const char *text);
bool valid_absolute_path(const char *text); /* of a file: no "..", no empty component */
bool valid_arguments(const char *text);	    /* a kernel command line: printable, no quotes */
bool valid_locale(const char *text);
bool valid_time_zone(const char *text);
bool valid_route(const char *text);	 /* "10.1.0.0/16 via 10.0.2.3" */
bool valid_medium(const char *text);	 /* "", a path or a URL */
bool valid_keyring(const char *text);	 /* "" or a path */
bool valid_sha256(const char *text);	 /* "" or 64 hex digits, lower case */
bool valid_ip(const char *text);	 /* IPv4 */
bool valid_ip_or_none(const char *text); /* "" too */
bool valid_release(const char *text);
bool valid_mirror(const char *text);	/* "" or an http(s) or file URL */
bool valid_interface(const char *text); /* a network interface's name */
bool valid_package(const char *text);
bool valid_line(const char *text); /* one line of a guest config */

/* "10.0.2.15/24" in host byte order; false if it is none. */
bool cidr_parse(const char *text, uint32_t *ret_address, unsigned *ret_bits);
bool ip_parse(const char *text, uint32_t *ret_address);
