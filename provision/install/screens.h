/* Screenshots of a machine's graphical console, as PNG, by QMP's screendump (QEMU 7.1 and later).
 */
#pragma once
#include <stdbool.h>

#include "run/qmp.h"

#define SCREENS_KEPT 30

struct screens {
	char *prefix;	 /* owned; "out/x/logs/l1-install" */
	unsigned number; /* of the newest, from 1; 0: none */
	bool refused;	 /* this QEMU cannot do it: it was told once */
};

/* Removes what an earlier run left under that prefix. screens_done it. */
void screens_begin(struct screens *screens, const char *prefix);
/* One more: PREFIX-NNN.png; the newest SCREENS_KEPT are kept. What fails is told, and is no
 * failure of the machine. */
void screens_take(struct screens *screens, struct qmp *qmp);
/* Path of the newest; NULL: there is none. The caller frees. */
char *screens_newest(const struct screens *screens);
void screens_done(struct screens *screens);
