/* A ticket as the server writes it. */
#include <stdlib.h>

#include "base/json.h"
#include "pxe/ticket.h"

static const char *const picks[] = {
	[LAB_DISK_ONLY] = "only",
	[LAB_DISK_SIZE] = "size",
	[LAB_DISK_SERIAL] = "serial",
	[LAB_DISK_BY_ID] = "by-id",
};

static json_t *mirrors_json(const struct strv *mirrors)
{
	json_t *list = json_array();

	for (size_t i = 0; i < mirrors->count; i++)
		json_array_append_new(list, json_string(mirrors->items[i]));
	return list;
}

char *ticket_text(const struct ticket *ticket)
{
	const struct lab_disk *disk = &ticket->disk;
	const struct stream_facts *image = &ticket->image;
	CLEANUP(json_cleanup)
	json_t *json = json_pack(
		"{s:s, s:s, s:{s:I, s:I, s:s}, s:{s:s, s:I, s:I, s:s, s:b}, s:o}", "machine",
		ticket->machine, "host_name", ticket->host_name, "image", "disk_bytes",
		(json_int_t)image->disk_bytes, "stream_bytes", (json_int_t)image->stream_bytes,
		"sha256", image->sha256, "disk", "pick", picks[disk->pick], "min",
		(json_int_t)disk->min_bytes, "max", (json_int_t)disk->max_bytes, "text", disk->text,
		"wipe", disk->wipe, "mirrors", mirrors_json(&ticket->mirrors));

	if (*ticket->agent_server)
		json_object_set_new(json, "agent",
				    json_pack("{s:s, s:s}", "server", ticket->agent_server, "token",
					      ticket->agent_token));
	return json_dumps(json, JSON_INDENT(2));
}
