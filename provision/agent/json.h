/* JSON for the channel: a writer of one-line objects, and a reader of one object's own members.
 * The reader checks the whole text (RFC 8259, UTF-8, at most JSON_DEPTH levels) because what a
 * guest sent is handed on as it is; it refuses keys that stand twice, since two readers could
 * then see two different messages. */
#pragma once
#include <stdbool.h>

#include "buf.h"

#define JSON_DEPTH   16
#define JSON_MEMBERS 48
#define JSON_KEY     24

enum json_type {
	JSON_STRING,
	JSON_NUMBER,
	JSON_OTHER_SCALAR, /* true, false, null */
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json_member {
	char key[JSON_KEY]; /* decoded; longer keys are none of ours and get cut */
	enum json_type type;
	const char *text; /* the value as it stands in the text that was read */
	size_t length;
};

struct json_object {
	struct json_member members[JSON_MEMBERS];
	size_t count;
};

/* The text has to outlive ret_object. False: not one valid object. */
bool json_read(const char *text, size_t length, struct json_object *ret_object);
/* False: absent, not a string, or longer than size - 1 bytes; out is "" then. */
bool json_get_text(const struct json_object *object, const char *key, char *out, size_t size);
/* Appends the decoded string to out. False: absent or not a string. */
bool json_get_bytes(const struct json_object *object, const char *key, struct buf *out);
/* False: absent, not a number, or outside of 0..max. Fractions are cut off. */
bool json_get_unsigned(const struct json_object *object, const char *key, unsigned max,
		       unsigned *ret_value);
/* An array of strings: appended to out, each with its NUL. Returns their number, -1 where it is
 * no such array. */
int json_get_texts(const struct json_object *object, const char *key, struct buf *out);

/* A message: {"t":"KIND" ... }. Text that is not UTF-8 is mended with U+FFFD. */
void json_begin(struct buf *out, const char *kind);
void json_text(struct buf *out, const char *key, const char *text);
void json_number(struct buf *out, const char *key, unsigned long long number);
void json_seconds(struct buf *out, const char *key, double seconds);
void json_data(struct buf *out, const char *key, const void *data, size_t length); /* base64 */
void json_open(struct buf *out, const char *key, char bracket);			   /* '{' or '[' */
void json_element(struct buf *out, const char *text); /* a string in an array */
void json_close(struct buf *out, char bracket);	      /* '}' or ']' */
