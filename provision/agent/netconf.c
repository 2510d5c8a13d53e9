#include "netconf.h"

#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "files.h"

#define LOOK_SECONDS	0.05
#define LATER_SECONDS	0.5
#define EARLY_SECONDS	10.0 /* until then LOOK, after that LATER */
#define CARRIER_SECONDS 5.0
#define DHCP_SECONDS	60.0
#define DHCP_TRIES	"30" /* a second apart */
#define DHCP_SCRIPT	"/etc/nestctl/udhcpc"

static void name_set(struct ifreq *ifreq, const char *name)
{
	*ifreq = (struct ifreq){ 0 };
	text_copy(ifreq->ifr_name, sizeof ifreq->ifr_name, name);
}

/* One ioctl on a socket of its own; 0 or a negative errno. */
static int ask(unsigned long request, void *argument)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 || ioctl(fd, (int)request, argument) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

static int interface_up(const char *name)
{
	struct ifreq ifreq;

	name_set(&ifreq, name);
	int r = ask(SIOCGIFFLAGS, &ifreq);
	if (r < 0)
		return r;
	ifreq.ifr_flags |= IFF_UP;
	return ask(SIOCSIFFLAGS, &ifreq);
}

static struct sockaddr_in inet(uint32_t address)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = address };
}

static int address_set(const char *name, unsigned long request, uint32_t address)
{
	struct sockaddr_in value = inet(address);
	struct ifreq ifreq;

	name_set(&ifreq, name);
	memcpy(&ifreq.ifr_addr, &value, sizeof value);
	return ask(request, &ifreq);
}

static int gateway_set(uint32_t gateway)
{
	struct sockaddr_in any = inet(0), via = inet(gateway);
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };

	memcpy(&route.rt_dst, &any, sizeof any);
	memcpy(&route.rt_genmask, &any, sizeof any);
	memcpy(&route.rt_gateway, &via, sizeof via);
	return ask(SIOCADDRT, &route);
}

static void problem_tell(struct netconf *netconf, const char *what, const char *why)
{
	char text[PROC_TAIL_BYTES + 256];

	snprintf(text, sizeof text, "%s: %s: %s", netconf->conf->interface, what, why);
	outward_event(netconf->outward, "note", NULL, text);
}

int netconf_address_set(const struct conf *conf, const char **ret_what)
{
	uint32_t mask = conf->prefix_length ? htonl(~0u << (32 - conf->prefix_length)) : 0;
	int r = address_set(conf->interface, SIOCSIFADDR, conf->address);

	*ret_what = "its address cannot be set";
	if (r == 0)
		r = address_set(conf->interface, SIOCSIFNETMASK, mask);
	if (r < 0 || !conf->gateway)
		return r;
	*ret_what = "its gateway cannot be set";
	r = gateway_set(conf->gateway);
	return r == -EEXIST ? 0 : r;
}

static void static_set(struct netconf *netconf)
{
	const char *what;
	int r = netconf_address_set(netconf->conf, &what);

	if (r < 0)
		problem_tell(netconf, what, strerror(-r));
}

/* ---- DHCP ---- */

static void dhcp_ended(void *context, int status, const char *text)
{
	struct netconf *netconf = context;

	if (status == 0)
		return;
	if (!netconf->told)
		problem_tell(netconf, "no lease by DHCP so far", text);
	netconf->told = true;
	timer_set(netconf->loop, &netconf->look, 1.0);
}

static void dhcp_start(struct netconf *netconf)
{
	char *argv[] = { (char *)"/bin/busybox",
			 (char *)"udhcpc",
			 (char *)"-i",
			 (char *)netconf->conf->interface,
			 (char *)"-n",
			 (char *)"-q",
			 (char *)"-t",
			 (char *)DHCP_TRIES,
			 (char *)"-T",
			 (char *)"1",
			 (char *)"-s",
			 (char *)DHCP_SCRIPT,
			 NULL };

	proc_start(&netconf->dhcp, argv, DHCP_SECONDS);
}

/* A request sent before the other end is connected is lost, and the next is a second away. */
static bool has_carrier(const struct netconf *netconf)
{
	char path[64], text[8];

	snprintf(path, sizeof path, "/sys/class/net/%s/carrier", netconf->conf->interface);
	file_text("", path, text, sizeof text);
	return text[0] == '1' || clock_now() - netconf->began > CARRIER_SECONDS;
}

static void look(void *context)
{
	struct netconf *netconf = context;
	bool early = clock_now() - netconf->began < EARLY_SECONDS;

	/* A driver finds its device some time after it was loaded. */
	if (interface_up(netconf->conf->interface) < 0 ||
	    (!netconf->conf->has_static_address && !has_carrier(netconf)))
		timer_set(netconf->loop, &netconf->look, early ? LOOK_SECONDS : LATER_SECONDS);
	else if (netconf->conf->has_static_address)
		static_set(netconf);
	else
		dhcp_start(netconf);
}

void netconf_start(struct netconf *netconf, struct loop *loop, const struct conf *conf,
		   struct outward *outward)
{
	*netconf = (struct netconf){ .loop = loop, .conf = conf, .outward = outward };
	netconf->look = (struct timer){ .fire = look, .context = netconf };
	netconf->dhcp = (struct proc){ .loop = loop, .on_end = dhcp_ended, .context = netconf };
	netconf->began = clock_now();
	interface_up("lo");
	if (*conf->interface)
		timer_set(loop, &netconf->look, 0);
}
