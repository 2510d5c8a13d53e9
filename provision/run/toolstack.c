#include "run/toolstack.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "guest/xend.h"

#define LOG_BYTES     ((size_t)4 * 1024 * 1024) /* xend begins a new one at 1 MiB */
#define PID_BYTES     64
#define REASON_CRASH  3
#define REASONS_KNOWN 32

char *xen_host_path(const char *path)
{
	const char *root = getenv("NESTCTL_L0_ROOT");

	return str_format("%s%s", root ? root : "", path);
}

/* What follows the words where they stand last in a log; NULL: nowhere. *ret_log is freed by the
 * caller. */
static const char *log_find(const char *log, const char *words, char **ret_log)
{
	CLEANUP(free_cleanup) char *path = xen_host_path(log);
	const char *found = NULL;

	if (file_read(path, LOG_BYTES, ret_log, NULL, NULL) < 0)
		return NULL;
	for (const char *at = *ret_log; (at = strstr(at, words)); at++)
		found = at + strlen(words);
	return found;
}

/* ---- xl ---- */

static void xl_config(const struct layer *layer, const struct guest_place *place, struct buf *out)
{
	CLEANUP(free_cleanup) char *text = guest_xl_config_outermost(layer, place);

	buf_format(out, "# " GUEST_CONFIG_MARK "\n%s", text);
}

/* Of the xl that waits for the domain: "Domain 3 has shut down, reason code 1 0x1". */
static int xl_reason(const char *name, int id)
{
	CLEANUP(free_cleanup) char *log = str_format("/var/log/xen/xl-%s.log", name);
	CLEANUP(free_cleanup) char *words = str_format("Domain %d has shut down, reason code ", id);
	CLEANUP(free_cleanup) char *text = NULL;
	const char *found = log_find(log, words, &text);
	int reason = found ? atoi(found) : -1;

	return reason < REASONS_KNOWN ? reason : -1;
}

/* ---- xm ---- */

static struct xend_machine xend_machine_of(const struct layer *layer,
					   const struct guest_place *place, const char *socket)
{
	return (struct xend_machine){ .layer = layer,
				      .disk = place->disk,
				      .bridge = place->bridge,
				      .socket = socket,
				      .on_reboot = "destroy",
				      .description = GUEST_CONFIG_MARK,
				      .installer = place->installer };
}

#define XEND_CONFIG(form)                                                                          \
	static void form##_config(const struct layer *layer, const struct guest_place *place,      \
				  struct buf *out)                                                 \
	{                                                                                          \
		CLEANUP(free_cleanup) char *socket = guest_socket(layer);                          \
		const struct xend_machine machine = xend_machine_of(layer, place, socket);         \
                                                                                                   \
		form(&machine, out);                                                               \
	}

XEND_CONFIG(xend_flat)
XEND_CONFIG(xend_xml)
XEND_CONFIG(xend_sxp)

/* xend's log: "Domain has shutdown: name=l1 id=3 reason=poweroff.", and of a crash "Domain has
 * crashed: name=l1 id=3.". Source: tools/python/xen/xend/XendDomainInfo.py of Xen 4.2. */
static int xm_reason(const char *name, int id)
{
	static const char *const reasons[] = { "poweroff", "reboot", "suspend", "crash" };
	static const char log[] = "/var/log/xen/xend.log";
	CLEANUP(free_cleanup)
	char *down = str_format("Domain has shutdown: name=%s id=%d reason=", name, id);
	CLEANUP(free_cleanup)
	char *crash = str_format("Domain has crashed: name=%s id=%d.", name, id);
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(free_cleanup) char *again = NULL;
	const char *found = log_find(log, down, &text);

	for (size_t i = 0; found && i < sizeof reasons / sizeof *reasons; i++)
		if (str_starts(found, reasons[i]))
			return (int)i;
	return log_find(log, crash, &again) ? REASON_CRASH : -1;
}

/* ---- which ---- */

static const struct toolstack xl = {
	.program = "xl",
	.package = "xen-utils-common",
	.daemon = "xenstored",
	.disk_format = "qcow2",
	.format = &xl_guest,
	.not_in_path = "'\"\\\n",
	.configs = { { "", xl_config } },
	.reason = xl_reason,
};

/* Its device model is a QEMU that does not know the qcow2 files of today. */
static const struct toolstack xm = {
	.program = "xm",
	.package = "xen-utils",
	.daemon = "xend",
	.disk_format = "raw",
	.format = &xm_guest,
	.not_in_path = "'\"\\\n,",
	.configs = { { "", xend_flat_config },
		     { ".xml", xend_xml_config },
		     { ".sxp", xend_sxp_config } },
	.reason = xm_reason,
};

/* The locks are those that make xl itself stand back (tools/libxl/xl.c of Xen 4.2); not every init
 * script of xend's makes one. */
static bool xend_runs(void)
{
	static const char *const locks[] = { "/var/lock/subsys/xend", "/var/lock/xend" };
	CLEANUP(free_cleanup) char *pid_file = xen_host_path("/var/run/xend.pid");
	CLEANUP(free_cleanup) char *text = NULL;

	for (size_t i = 0; i < sizeof locks / sizeof *locks; i++) {
		CLEANUP(free_cleanup) char *lock = xen_host_path(locks[i]);

		if (path_exists(lock))
			return true;
	}
	if (file_read(pid_file, PID_BYTES, &text, NULL, NULL) < 0)
		return false;
	pid_t pid = (pid_t)atoi(text);
	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

const struct toolstack *toolstack_here(void)
{
	CLEANUP(free_cleanup) char *xl_path = program_find(xl.program);
	CLEANUP(free_cleanup) char *xm_path = program_find(xm.program);

	return xm_path && (!xl_path || xend_runs()) ? &xm : &xl;
}
