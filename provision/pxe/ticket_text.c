/* A ticket as the server writes it, and the way to it. */
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "pxe/ticket.h"

/* The last one is the kernel's /dev/console: machines without a screen have a serial port.
 * After a panic the machine starts again: nobody is there to press reset. */
#define KERNEL_WORDS "console=tty0 console=ttyS0,115200 panic=30"

char *lab_call_text(const char *server, const char *token, const char *mac)
{
	CLEANUP(free_cleanup)
	char *card = str_format("%s%s", *mac ? " nestctl.mac=" : "", mac);

	/* A clock that is years behind trusts no certificate. */
	return server ? str_format(KERNEL_WORDS " nestctl.server=%s nestctl.token=%s%s "
						"nestctl.time=%lld",
				   server, token, card, (long long)time(NULL))
		      : str_format(KERNEL_WORDS " nestctl.rescue%s", card);
}

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
		"{s:s, s:s, s:{s:I, s:I, s:s}, s:s, s:{s:s, s:I, s:I, s:s, s:b}, s:o}", "machine",
		ticket->machine, "host_name", ticket->host_name, "image", "disk_bytes",
		(json_int_t)image->disk_bytes, "stream_bytes", (json_int_t)image->stream_bytes,
		"sha256", image->sha256, "boot_uuid", ticket->boot_uuid, "disk", "pick",
		picks[disk->pick], "min", (json_int_t)disk->min_bytes, "max",
		(json_int_t)disk->max_bytes, "text", disk->text, "wipe", disk->wipe, "mirrors",
		mirrors_json(&ticket->mirrors));

	if (*ticket->agent_server)
		json_object_set_new(json, "agent",
				    json_pack("{s:s, s:s}", "server", ticket->agent_server, "token",
					      ticket->agent_token));
	return json_dumps(json, JSON_INDENT(2));
}
