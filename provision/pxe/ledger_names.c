/* The ledger's enums as the page and the files have them. */
#include "pxe/ledger_state.h"

#define COUNT(names) (sizeof(names) / sizeof *(names))

static const char *const stages[] = {
	[MACHINE_UNSEEN] = "unseen",	     [MACHINE_BOOTING] = "booting",
	[MACHINE_INSTALLING] = "installing", [MACHINE_INSTALLED] = "installed",
	[MACHINE_STARTING] = "starting",     [MACHINE_PROVING] = "proving",
	[MACHINE_PROVEN] = "proven",	     [MACHINE_FAILED] = "failed",
	[MACHINE_STRANGER] = "stranger",
};

static const char *const decisions[] = {
	[DECISION_INSTALL] = "install",
	[DECISION_LOCAL] = "local",
	[DECISION_RESCUE] = "rescue",
};

static const char *const firmwares[] = {
	[FIRMWARE_UNKNOWN] = "",
	[FIRMWARE_BIOS] = "bios",
	[FIRMWARE_UEFI] = "uefi",
};

/* The index of a name in its table, -1: it is in none. */
static int name_find(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal(names[i], name))
			return (int)i;
	return -1;
}

const char *ledger_stage_text(enum machine_stage stage)
{
	return stages[stage];
}

const char *ledger_decision_text(enum boot_decision decision)
{
	return decisions[decision];
}

const char *ledger_firmware_text(enum firmware firmware)
{
	return firmwares[firmware];
}

int ledger_stage_find(const char *name)
{
	return name_find(stages, COUNT(stages), name);
}

int ledger_decision_find(const char *name)
{
	return name_find(decisions, COUNT(decisions), name);
}

int ledger_firmware_find(const char *name)
{
	return name_find(firmwares, COUNT(firmwares), name);
}
