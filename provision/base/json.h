/* What jansson lacks: for CLEANUP, for texts of any bytes, for objects from elsewhere. */
#pragma once
#include <jansson.h>
#include <stdint.h>

/* Lets a value go; NULL is allowed. For CLEANUP. */
static inline void json_cleanup(json_t **json)
{
	json_decref(*json);
}

/* A member's text, "" if it has none; valid as long as the object. */
static inline const char *json_member_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* The same tamed for a terminal (str_tame); the caller frees. */
char *json_member_tame(const json_t *object, const char *key);

/* A member's number; 0 if it has none, or a negative one. */
static inline uint64_t json_member_number(const json_t *object, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(object, key));

	return number > 0 ? (uint64_t)number : 0;
}

/* A string of any bytes: JSON holds UTF-8 only, and where a text is none its other bytes become
 * '?'. */
json_t *json_text(const char *text);
