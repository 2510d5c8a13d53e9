#include "run/levels_report.h"

#include <ctype.h>

#include "verify/stage.h"

/* The words of the matrix. */
static const char *state_name(enum level_state state)
{
	static const char *const names[] = { "waiting", "starting", "booted",
					     "proven",	"failed",   "not reached" };

	return names[state];
}

char *level_doing(const struct level *level)
{
	const struct record *record = level->record;

	switch (level->state) {
	case LEVEL_WAITING:
		return str_format("waits for %s",
				  level->layer->outer ? level->layer->outer->name : "power");
	case LEVEL_STARTING:
		if (level->reset_until > 0)
			return str_copy("reset itself, and starts again");
		return str_format("boots: %s", stage_name(stage_seen(level->console.text)));
	case LEVEL_BOOTED:
		return str_format("agent is up: %s",
				  level->note ? level->note : "network and record");
	case LEVEL_PROVEN:
		return str_format("proven: %s%s%s, %s", record->os,
				  *record->xen_version ? ", Xen " : "", record->xen_version,
				  record->address);
	case LEVEL_FAILED:
		return str_format("FAILED: %s: %s", level->step, level->message);
	case LEVEL_NOT_REACHED:
		break;
	}
	return str_format("not reached: %s failed",
			  level->layer->outer ? level->layer->outer->name : "L0");
}

static char *guest_type_text(const struct levels *levels, const struct layer *layer)
{
	if (!layer->outer)
		return str_copy(l0_nature(levels->l0)->guest_type);
	char *name = str_copy(machine_type_name(layer->machine.type));
	for (char *c = name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return name;
}

static char *hypervisor_text(const struct level *level)
{
	const struct record *record = level->record;

	if (level->layer->hypervisor == HYPERVISOR_NONE)
		return str_copy("-");
	if (record && *record->xen_version)
		return str_format("Xen %s", record->xen_version);
	return str_copy(record ? "none" : hypervisor_name(level->layer->hypervisor));
}

static void replace(char **field, char *text)
{
	free(*field);
	*field = text;
}

/* What the agent told, else what the profile says. */
static void row_fill_system(const struct levels *levels, const struct level *level,
			    struct matrix_row *row)
{
	const struct layer *layer = level->layer;
	const struct record *record = level->record;

	replace(&row->os,
		record && *record->os
			? str_copy(record->os)
			: str_format("%s %s", os_family_name(layer->os_family), layer->release));
	replace(&row->hypervisor, hypervisor_text(level));
	replace(&row->guest_type, guest_type_text(levels, layer));
	if (record) {
		replace(&row->address, str_copy(record->address));
		replace(&row->record, str_copy(record->json));
	}
}

static void row_fill_failure(const struct level *level, struct matrix_row *row)
{
	const struct symptom *symptom = level->symptom;

	replace(&row->step, str_copy(level->step));
	replace(&row->reason, str_copy(level->message));
	strv_add_all(&row->console, &level->tail);
	if (symptom) {
		replace(&row->symptom, str_copy(symptom->symptom));
		replace(&row->cause, str_copy(symptom->cause));
		replace(&row->cure, str_copy(symptom->cure));
	}
}

static void row_fill(const struct levels *levels, const struct level *level, struct matrix_row *row,
		     double now)
{
	const struct layer *layer = level->layer;
	bool gone = level_is_gone(levels, level);

	row->level = layer->depth;
	replace(&row->name, str_copy(layer->name));
	replace(&row->path, str_copy(level->path));
	row_fill_system(levels, level, row);
	replace(&row->state,
		str_copy(gone && level->state == LEVEL_PROVEN ? "ended"
							      : state_name(level->state)));
	row->booted = level->spoke;
	row->network = level->evidence.network;
	row->proven = level->state == LEVEL_PROVEN && !gone;
	row->resets = level->resets;
	replace(&row->reset_step, str_copy(level->reset_step ? level->reset_step : ""));
	strv_add_all(&row->reset_console, &level->reset_tail);
	row->seconds = level->state >= LEVEL_PROVEN ? level->since : now;
	if (level->state == LEVEL_NOT_REACHED)
		replace(&row->reason,
			level->message ? str_copy(level->message)
				       : str_format("%s failed first",
						    layer->outer ? layer->outer->name : "L0"));
	if (level->state < LEVEL_PROVEN)
		replace(&row->step, level_doing(level));
	if (level->state == LEVEL_FAILED)
		row_fill_failure(level, row);
}

struct matrix *levels_matrix(const struct levels *levels, double now)
{
	struct matrix *matrix = matrix_new(levels->stack->name, l0_nature(levels->l0)->accelerator);

	for (size_t i = 0; i < levels->count; i++) {
		const struct level *level = &levels->items[i];

		row_fill(levels, level, matrix_add(matrix), now);
		double at = level->state >= LEVEL_PROVEN ? level->since : now;
		if (at > matrix->seconds)
			matrix->seconds = at;
	}
	return matrix;
}
