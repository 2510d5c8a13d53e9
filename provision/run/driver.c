#include "run/driver.h"

#include <errno.h>

#include "base/str.h"
#include "run/qemu.h"
#include "run/xen.h"

static const struct l0_driver *const drivers[] = {
	&qemu_driver,
	&xen_driver,
};

#define DRIVERS (sizeof drivers / sizeof *drivers)

const char *l0_end_text(enum l0_end end)
{
	static const char *const texts[] = {
		[L0_END_POWER_OFF] = "it powered itself off",
		[L0_END_RESET] = "it reset itself, as after a panic",
		[L0_END_CRASH] = "its domain crashed",
		[L0_END_WATCHDOG] = "its watchdog ended it",
	};

	return texts[end];
}

enum l0_end l0_end_of_events(struct qmp *control, enum l0_end end)
{
	char *event;

	while ((event = qmp_event(control))) {
		if (str_equal(event, "SHUTDOWN guest-reset"))
			end = L0_END_RESET;
		else if (str_equal(event, "SHUTDOWN guest-shutdown"))
			end = L0_END_POWER_OFF;
		free(event);
	}
	return end;
}

const struct l0_driver *l0_driver_default(void)
{
	return drivers[0];
}

int l0_driver_find(const char *name, const struct l0_driver **ret_driver, struct err *err)
{
	CLEANUP(strv_done) struct strv names = { 0 };

	for (size_t i = 0; i < DRIVERS; i++) {
		if (!name || str_equal(drivers[i]->name, name)) {
			*ret_driver = drivers[i];
			return 0;
		}
		strv_add(&names, drivers[i]->name);
	}
	CLEANUP(free_cleanup) char *list = strv_join(&names, ", ");
	return err_set(err, -EINVAL, "--l0: \"%s\" is none of %s", name, list);
}
