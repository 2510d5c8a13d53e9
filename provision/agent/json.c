/* The reading half of json.h. A cursor that never leaves its text; a failed step moves nothing
 * that matters, since the whole text is refused then. */
#include "json.h"

#include <stdint.h>
#include <string.h>

#include "utf8.h"

struct cursor {
	const char *at, *end;
};

static void blanks_skip(struct cursor *cursor)
{
	while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t' ||
					    *cursor->at == '\r' || *cursor->at == '\n'))
		cursor->at++;
}

static bool is_next(const struct cursor *cursor, char c)
{
	return cursor->at < cursor->end && *cursor->at == c;
}

static bool character_take(struct cursor *cursor, char c)
{
	if (!is_next(cursor, c))
		return false;
	cursor->at++;
	return true;
}

static bool word_take(struct cursor *cursor, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0)
		return false;
	cursor->at += length;
	return true;
}

/* ---- strings ---- */

static bool hex_take(struct cursor *cursor, uint32_t *ret_code)
{
	uint32_t code = 0;

	if (cursor->end - cursor->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = *cursor->at++;

		if (c >= '0' && c <= '9')
			code = code << 4 | (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			code = code << 4 | (uint32_t)((c | 32) - 'a' + 10);
		else
			return false;
	}
	*ret_code = code;
	return true;
}

/* What follows \u: NUL and lone surrogates are refused, as other readers do. */
static bool unicode_take(struct cursor *cursor, uint32_t *ret_code)
{
	uint32_t code, low;

	if (!hex_take(cursor, &code) || code == 0 || (code >= 0xdc00 && code < 0xe000))
		return false;
	if (code >= 0xd800 && code < 0xdc00) {
		if (!word_take(cursor, "\\u") || !hex_take(cursor, &low) || low < 0xdc00 ||
		    low > 0xdfff)
			return false;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	*ret_code = code;
	return true;
}

static bool escape_take(struct cursor *cursor, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char bytes[4];
	uint32_t code;

	if (cursor->at == cursor->end)
		return false;
	const char *simple = *cursor->at ? strchr(from, *cursor->at) : NULL;
	if (simple) {
		cursor->at++;
		if (out)
			buf_add(out, &to[simple - from], 1);
		return true;
	}
	if (!character_take(cursor, 'u') || !unicode_take(cursor, &code))
		return false;
	if (out)
		buf_add(out, bytes, utf8_put(code, bytes));
	return true;
}

/* out may be NULL: checked only. */
static bool string_take(struct cursor *cursor, struct buf *out)
{
	if (!character_take(cursor, '"'))
		return false;
	while (cursor->at < cursor->end) {
		size_t length;

		if (character_take(cursor, '"'))
			return true;
		if (character_take(cursor, '\\')) {
			if (!escape_take(cursor, out))
				return false;
			continue;
		}
		length = utf8_length(cursor->at, (size_t)(cursor->end - cursor->at));
		if (length == 0 || (unsigned char)*cursor->at < 0x20)
			return false;
		if (out)
			buf_add(out, cursor->at, length);
		cursor->at += length;
	}
	return false;
}

/* ---- values ---- */

static size_t digits_take(struct cursor *cursor)
{
	const char *start = cursor->at;

	while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9')
		cursor->at++;
	return (size_t)(cursor->at - start);
}

static bool number_take(struct cursor *cursor)
{
	character_take(cursor, '-');
	if (!character_take(cursor, '0') && digits_take(cursor) == 0)
		return false;
	if (character_take(cursor, '.') && digits_take(cursor) == 0)
		return false;
	if (character_take(cursor, 'e') || character_take(cursor, 'E')) {
		if (!character_take(cursor, '+'))
			character_take(cursor, '-');
		return digits_take(cursor) > 0;
	}
	return true;
}

static bool value_take(struct cursor *cursor, int depth, enum json_type *ret_type);

static bool array_take(struct cursor *cursor, int depth)
{
	enum json_type type;

	cursor->at++;
	blanks_skip(cursor);
	if (character_take(cursor, ']'))
		return true;
	do {
		blanks_skip(cursor);
		if (!value_take(cursor, depth + 1, &type))
			return false;
		blanks_skip(cursor);
	} while (character_take(cursor, ','));
	return character_take(cursor, ']');
}

static bool member_add(struct json_object *object, const struct buf *key,
		       const struct json_member *value)
{
	struct json_member *member = &object->members[object->count];

	if (object->count == JSON_MEMBERS)
		return false;
	*member = *value;
	size_t length = key->length < JSON_KEY ? key->length : JSON_KEY - 1;
	if (length > 0)
		memcpy(member->key, key->data, length);
	member->key[length] = '\0';
	for (size_t i = 0; i < object->count; i++)
		if (strcmp(object->members[i].key, member->key) == 0)
			return false;
	object->count++;
	return true;
}

/* object NULL: the members are checked, not kept. */
static bool member_take(struct cursor *cursor, int depth, struct json_object *object)
{
	struct json_member member = { 0 };
	struct buf key = { 0 };
	bool good;

	blanks_skip(cursor);
	good = string_take(cursor, object ? &key : NULL);
	blanks_skip(cursor);
	good = good && character_take(cursor, ':');
	blanks_skip(cursor);
	member.text = cursor->at;
	good = good && value_take(cursor, depth + 1, &member.type);
	member.length = (size_t)(cursor->at - member.text);
	if (good && object)
		good = member_add(object, &key, &member);
	buf_done(&key);
	return good;
}

static bool object_take(struct cursor *cursor, int depth, struct json_object *object)
{
	if (!character_take(cursor, '{'))
		return false;
	blanks_skip(cursor);
	if (character_take(cursor, '}'))
		return true;
	do {
		if (!member_take(cursor, depth, object))
			return false;
		blanks_skip(cursor);
	} while (character_take(cursor, ','));
	return character_take(cursor, '}');
}

static bool value_take(struct cursor *cursor, int depth, enum json_type *ret_type)
{
	if (depth > JSON_DEPTH || cursor->at == cursor->end)
		return false;
	switch (*cursor->at) {
	case '{':
		*ret_type = JSON_OBJECT;
		return object_take(cursor, depth, NULL);
	case '[':
		*ret_type = JSON_ARRAY;
		return array_take(cursor, depth);
	case '"':
		*ret_type = JSON_STRING;
		return string_take(cursor, NULL);
	case 't':
	case 'f':
	case 'n':
		*ret_type = JSON_OTHER_SCALAR;
		return word_take(cursor, "true") || word_take(cursor, "false") ||
		       word_take(cursor, "null");
	default:
		*ret_type = JSON_NUMBER;
		return number_take(cursor);
	}
}

bool json_read(const char *text, size_t length, struct json_object *ret_object)
{
	struct cursor cursor = { text, text + length };

	ret_object->count = 0;
	blanks_skip(&cursor);
	if (!object_take(&cursor, 1, ret_object))
		return false;
	blanks_skip(&cursor);
	return cursor.at == cursor.end;
}

/* ---- what a member holds ---- */

static const struct json_member *member_find(const struct json_object *object, const char *key,
					     enum json_type type)
{
	for (size_t i = 0; i < object->count; i++)
		if (strcmp(object->members[i].key, key) == 0)
			return object->members[i].type == type ? &object->members[i] : NULL;
	return NULL;
}

bool json_get_bytes(const struct json_object *object, const char *key, struct buf *out)
{
	const struct json_member *member = member_find(object, key, JSON_STRING);

	if (!member)
		return false;
	struct cursor cursor = { member->text, member->text + member->length };
	return string_take(&cursor, out);
}

bool json_get_text(const struct json_object *object, const char *key, char *out, size_t size)
{
	struct buf bytes = { 0 };
	bool good = json_get_bytes(object, key, &bytes) && bytes.length < size;

	if (good && bytes.length > 0)
		memcpy(out, bytes.data, bytes.length);
	out[good ? bytes.length : 0] = '\0';
	buf_done(&bytes);
	return good;
}

bool json_get_unsigned(const struct json_object *object, const char *key, unsigned max,
		       unsigned *ret_value)
{
	const struct json_member *member = member_find(object, key, JSON_NUMBER);
	unsigned long long value = 0;

	if (!member || memchr(member->text, 'e', member->length) ||
	    memchr(member->text, 'E', member->length) || *member->text == '-')
		return false;
	for (size_t i = 0; i < member->length && member->text[i] != '.'; i++) {
		value = value * 10 + (unsigned)(member->text[i] - '0');
		if (value > max)
			return false;
	}
	*ret_value = (unsigned)value;
	return true;
}

int json_get_texts(const struct json_object *object, const char *key, struct buf *out)
{
	const struct json_member *member = member_find(object, key, JSON_ARRAY);
	int count = 0;

	if (!member)
		return -1;
	struct cursor cursor = { member->text + 1, member->text + member->length };
	blanks_skip(&cursor);
	if (is_next(&cursor, ']'))
		return 0;
	do {
		blanks_skip(&cursor);
		if (!string_take(&cursor, out))
			return -1;
		buf_add(out, "", 1);
		count++;
		blanks_skip(&cursor);
	} while (character_take(&cursor, ','));
	return count;
}
