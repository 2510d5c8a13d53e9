/* What jansson lacks. */
#pragma once
#include <jansson.h>

/* Lets a value go; NULL is allowed. For CLEANUP. */
static inline void json_cleanup(json_t **json)
{
	json_decref(*json);
}

/* A string of any bytes: JSON holds UTF-8 only, and where a text is none its other bytes become
 * '?'. */
json_t *json_text(const char *text);
