#include "verify/record.h"

#include <errno.h>

#include "base/json.h"
#include "base/str.h"

#define SHORT_BYTES 64

/* For a table: as much of it as a person reads. */
static char *short_text_of(const json_t *object, const char *key)
{
	char *text = json_member_tame(object, key);

	text[str_cut(text, SHORT_BYTES)] = '\0';
	return text;
}

/* A missing sub-object reads as one without keys: json_object_get accepts NULL. */
static void record_fill(struct record *record, const json_t *root)
{
	const json_t *xen = json_object_get(root, "xen");
	const json_t *network = json_object_get(root, "network");

	record->path = json_member_tame(root, "path");
	record->nonce = json_member_tame(root, "nonce");
	record->depth = (unsigned)json_member_number(root, "depth");
	record->os = short_text_of(root, "os");
	record->cpuid = json_member_tame(json_object_get(root, "hypervisor"), "cpuid");
	record->xen_type = json_member_tame(xen, "type");
	record->xen_version = short_text_of(xen, "version");
	record->xen_role = json_member_tame(xen, "role");
	record->guest_type = json_member_tame(xen, "guest_type");
	record->address = short_text_of(network, "address");
	record->driver = json_member_tame(network, "driver");
	record->echo = json_member_tame(network, "echo");
	record->network_error = json_member_tame(network, "error");
}

int record_parse(const char *json, struct record **ret_record, struct err *err)
{
	json_error_t problem;
	json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &problem);

	if (!root)
		return err_set(err, -EBADMSG, "a record is no JSON: %s", problem.text);
	CLEANUP(record_cleanup) struct record *record = mem_alloc(sizeof *record);
	record_fill(record, root);
	char *compact = json_dumps(root, JSON_COMPACT);
	record->json = str_copy(compact ? compact : "{}");
	free(compact);
	json_decref(root);
	if (!*record->path || !*record->nonce)
		return err_set(err, -EBADMSG, "a record has no path or no nonce");
	*ret_record = take(&record);
	return 0;
}

void record_free(struct record *record)
{
	if (!record)
		return;
	char *texts[] = { record->path,	    record->nonce,	record->os,
			  record->cpuid,    record->xen_type,	record->xen_version,
			  record->xen_role, record->guest_type, record->address,
			  record->driver,   record->echo,	record->network_error,
			  record->json };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	free(record);
}

void record_cleanup(struct record **record)
{
	record_free(*record);
}
