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
