/* Regular expressions (ECMA-262) that the schemas of profiles and lab files share; whoever checks a
 * value decides, and tests/docs/values.py compares both. */
#pragma once

/* What no text has: control characters, separators of lines and paragraphs, and what is no
 * character. */
#define NEVER	  "\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ufffe\\uffff"
#define TEXT_FORM "[^" NEVER "]"

#define NAME_FORM      "[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
#define LABEL_FORM     "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?" /* of RFC 1123 */
#define INTERFACE_FORM "[A-Za-z0-9][A-Za-z0-9_.-]{0,14}"
#define MAC_FORM       "(?!(00:){5}00)[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}"

#define OCTET_FORM "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define IP_FORM	   OCTET_FORM "(\\." OCTET_FORM "){3}"
/* Neither of no network nor multicast or what is reserved; the lab's server may be on loopback. */
#define SERVER_IP_FORM	"(?!(0|22[4-9]|2[345][0-9])\\.)" IP_FORM
#define MACHINE_IP_FORM "(?!127\\.)" SERVER_IP_FORM
