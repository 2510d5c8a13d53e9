#include "base/json.h"

#include "base/cleanup.h"
#include "base/str.h"

char *json_member_tame(const json_t *object, const char *key)
{
	char *text = str_copy(json_member_text(object, key));

	str_tame(text);
	return text;
}

json_t *json_text(const char *text)
{
	json_t *value = json_string(text);

	if (value)
		return value;
	CLEANUP(free_cleanup) char *clean = str_copy(text);
	for (char *c = clean; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(clean);
}
