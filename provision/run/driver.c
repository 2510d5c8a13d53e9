#include "run/driver.h"

#include "base/str.h"
#include "run/qemu.h"

static const struct l0_driver *const drivers[] = {
	&qemu_driver,
};

const struct l0_driver *l0_driver_default(void)
{
	return drivers[0];
}

const struct l0_driver *l0_driver_find(const char *name)
{
	for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
		if (str_equal(drivers[i]->name, name))
			return drivers[i];
	return NULL;
}
