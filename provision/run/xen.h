/* An existing Xen host as L0: L1 is a domU that its toolstack starts. */
#pragma once
#include "run/driver.h"

extern const struct l0_driver xen_driver;
