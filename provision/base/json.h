/* What jansson lacks for CLEANUP. */
#pragma once
#include <jansson.h>

/* Lets a value go; NULL is allowed. */
static inline void json_cleanup(json_t **json)
{
	json_decref(*json);
}
