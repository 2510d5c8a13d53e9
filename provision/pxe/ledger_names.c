/* The ledger's enums as the page and the files have them. */
#include "profile/names.h"
#include "pxe/ledger_state.h"

static const char *const stages[] = {
	[MACHINE_UNSEEN] = "unseen",	     [MACHINE_BOOTING] = "booting",
	[MACHINE_INSTALLING] = "installing", [MACHINE_INSTALLED] = "installed",
	[MACHINE_STARTING] = "starting",     [MACHINE_PROVING] = "proving",
	[MACHINE_PROVEN] = "proven",	     [MACHINE_FAILED] = "failed",
	[MACHINE_STRANGER] = "stranger",     NULL,
};

static const char *const decisions[] = {
	[DECISION_INSTALL] = "install",
	[DECISION_LOCAL] = "local",
	[DECISION_RESCUE] = "rescue",
	NULL,
};

static const char *const firmwares[] = {
	[FIRMWARE_UNKNOWN] = "",
	[FIRMWARE_BIOS] = "bios",
	[FIRMWARE_UEFI] = "uefi",
	NULL,
};

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
	return name_index(stages, name);
}

int ledger_decision_find(const char *name)
{
	return name_index(decisions, name);
}

int ledger_firmware_find(const char *name)
{
	return name_index(firmwares, name);
}
