/* QEMU's machine protocol over a descriptor: greeting, capabilities, commands with a time limit,
 * events. Source: QEMU docs/interop/qmp-spec.txt. */
#pragma once
#include "base/err.h"

struct qmp;

/* Takes over the descriptor once it succeeded. Waits for the greeting and leaves negotiation
 * mode. -EPIPE: QEMU closed it (it ended), -ETIMEDOUT, -EBADMSG. */
int qmp_open(int fd, double seconds, struct qmp **ret_qmp, struct err *err);
void qmp_close(struct qmp *qmp);
int qmp_fd(const struct qmp *qmp);

/* arguments: a JSON object, or NULL. ret_answer (NULL: not wanted) gets the "return" value as
 * JSON; the caller frees. Events that come before the answer are kept. -EIO: QEMU refused. */
int qmp_command(struct qmp *qmp, const char *command, const char *arguments, double seconds,
		char **ret_answer, struct err *err);

/* The next event: its name and, after a blank, its reason if it has one ("SHUTDOWN guest-reset").
 * NULL: none so far. Reads what is there, does not wait. The caller frees. */
char *qmp_event(struct qmp *qmp);
