/* What a machine calls itself: MAC and SMBIOS UUID as boot programs write them, in one form. Pure.
 */
#pragma once
#include <stdbool.h>

#define MAC_LENGTH  17
#define UUID_LENGTH 36

/* "52:54:00:12:34:56" from any case, with ':', '-' or nothing between the bytes. False, and "", if
 * it is none, or one of no single machine (zero, multicast). */
bool identity_mac(const char *text, char ret_mac[MAC_LENGTH + 1]);
/* Likewise "4c4c4544-0042-...": false, and "", for those that boards have in place of a UUID of
 * their own, too. */
bool identity_uuid(const char *text, char ret_uuid[UUID_LENGTH + 1]);
/* True if they are the same, the first three fields in either byte order: SMBIOS 2.6 and later
 * keep them little-endian, older boards and some programs do not. "" equals nothing. */
bool identity_uuid_equal(const char *a, const char *b);
