#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "files.h"
#include "hypervisor.h"
#include "json.h"

#define AGENT_VERSION 1
/* xen/include/public/features.h: XENFEAT_dom0. /sys/hypervisor knows it even where nobody has
 * mounted xenfs yet. */
#define XENFEAT_DOM0 11

static unsigned depth_of(const char *path)
{
	unsigned depth = 1;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static unsigned long long memory_kib(const char *root)
{
	char text[4096];
	const char *total;

	file_text(root, "/proc/meminfo", text, sizeof text);
	total = strstr(text, "MemTotal:");
	return total ? strtoull(total + strlen("MemTotal:"), NULL, 10) : 0;
}

static void system_add(struct buf *out, const char *root)
{
	char release[4096], name[256], host_name[256] = "";
	struct utsname kernel;

	gethostname(host_name, sizeof host_name - 1);
	uname(&kernel);
	file_text(root, "/etc/os-release", release, sizeof release);
	file_setting(release, "PRETTY_NAME", name, sizeof name);
	json_text(out, "host_name", host_name);
	json_text(out, "kernel", kernel.release);
	json_text(out, "os", *name ? name : kernel.sysname);
	json_number(out, "memory_kib", memory_kib(root));
	json_number(out, "cpus", (unsigned long long)sysconf(_SC_NPROCESSORS_ONLN));
}

/* ---- Xen ---- */

static bool is_dom0(const char *root)
{
	char text[512];

	file_text(root, "/proc/xen/capabilities", text, sizeof text);
	if (strstr(text, "control_d"))
		return true;
	file_text(root, "/sys/hypervisor/properties/features", text, sizeof text);
	return strtoull(text, NULL, 16) >> XENFEAT_DOM0 & 1;
}

static void xen_version(const char *root, char *out, size_t size)
{
	char major[16], minor[16], extra[64];

	file_text(root, "/sys/hypervisor/version/major", major, sizeof major);
	file_text(root, "/sys/hypervisor/version/minor", minor, sizeof minor);
	file_text(root, "/sys/hypervisor/version/extra", extra, sizeof extra);
	snprintf(out, size, *major ? "%s.%s%s" : "%s%s%s", major, minor, extra);
}

/* Returns whether CPUID needs Xen's prefix: in a PV domain the plain instruction may be answered
 * by what lies below this Xen. */
static bool xen_add(struct buf *out, const char *root)
{
	char type[16], guest_type[16], version[128], capabilities[512];

	file_text(root, "/sys/hypervisor/type", type, sizeof type);
	if (!*type)
		return false;
	file_text(root, "/sys/hypervisor/guest_type", guest_type, sizeof guest_type);
	file_text(root, "/sys/hypervisor/properties/capabilities", capabilities,
		  sizeof capabilities);
	xen_version(root, version, sizeof version);
	json_open(out, "xen", '{');
	json_text(out, "type", type);
	json_text(out, "version", version);
	json_text(out, "capabilities", capabilities);
	json_text(out, "role", is_dom0(root) ? "dom0" : "domU");
	json_text(out, "guest_type", guest_type);
	json_close(out, '}');
	/* Only the real tree: elsewhere the prefix is an invalid instruction. */
	return !*root && strcmp(type, "xen") == 0 && strcmp(guest_type, "PV") == 0;
}

static void hypervisor_add(struct buf *out, bool forced)
{
	struct hypervisor nearest;

	hypervisor_find(forced, &nearest);
	if (!*nearest.signature)
		return;
	json_open(out, "hypervisor", '{');
	json_text(out, "cpuid", nearest.signature);
	json_text(out, "version", nearest.version);
	json_close(out, '}');
}

static void network_add(struct buf *out, const struct conf *conf, const struct network *network)
{
	json_open(out, "network", '{');
	json_text(out, "interface", conf->interface);
	json_text(out, "address", network->address);
	json_text(out, "mac", network->mac);
	json_text(out, "driver", network->driver);
	json_text(out, "echo", network->echo);
	json_text(out, "error", network->error);
	json_close(out, '}');
}

void record_make(const struct outward *outward, const struct conf *conf,
		 const struct network *network, const struct timings *timings, const char *root,
		 struct buf *out)
{
	json_begin(out, "record");
	json_text(out, "path", outward->path);
	json_text(out, "nonce", outward->nonce);
	json_number(out, "depth", depth_of(outward->path));
	system_add(out, root);
	hypervisor_add(out, xen_add(out, root));
	network_add(out, conf, network);
	json_open(out, "guests", '[');
	for (unsigned i = 0; i < conf->guest_count; i++)
		json_element(out, conf->guests[i].name);
	json_close(out, ']');
	json_open(out, "timings", '{');
	json_seconds(out, "agent", timings->agent);
	json_seconds(out, "hello", timings->hello);
	json_seconds(out, "network", timings->network);
	json_seconds(out, "record", clock_now());
	json_close(out, '}');
	json_number(out, "agent", AGENT_VERSION);
	json_close(out, '}');
}
