/* A packet socket, not a UDP one: the port of DHCP clients may be in use here, and an answer is for
 * an address that this machine does not have. RFC 2131. */
#include "pxe/dhcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/log.h"

#define PORT_SERVER    67
#define PORT_CLIENT    68
#define MAGIC	       0x63825363
#define FLAG_BROADCAST 0x8000
#define TRIES	       2
#define PACKETS_MAX    64 /* read at once */
#define SERVERS_MAX    16

enum { BOOTREQUEST = 1, BOOTREPLY = 2, DHCPDISCOVER = 1, DHCPOFFER = 2 };
enum {
	OPTION_PAD = 0,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_PARAMETERS = 55,
	OPTION_END = 255
};

/* RFC 2131, figure 1. */
struct message {
	uint8_t op, htype, hlen, hops;
	uint32_t xid;
	uint16_t secs, flags;
	struct in_addr ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16];
	char sname[64], file[128];
	uint32_t magic;
	uint8_t options[312];
} __attribute__((packed));

struct packet {
	struct iphdr ip;
	struct udphdr udp;
	struct message message;
} __attribute__((packed));

struct probe {
	int fd;
	int index; /* of the interface */
	const char *interface;
	uint8_t hardware[8];
	uint16_t hardware_type;
	uint32_t xid;
};

static uint16_t ip_checksum(const void *data, size_t length)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < length; i += 2) {
		uint16_t word;

		memcpy(&word, bytes + i, sizeof word);
		sum += ntohs(word);
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static int probe_open(struct probe *probe, struct err *err)
{
	struct ifreq request = { 0 };
	struct sockaddr_ll where = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
	};

	probe->index = (int)if_nametoindex(probe->interface);
	if (probe->index == 0)
		return err_set(err, -ENODEV, "%s: there is no such interface (ip link lists them)",
			       probe->interface);
	probe->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_IP));
	if (probe->fd < 0)
		return err_errno(err, errno,
				 "looking for other DHCP servers needs root or CAP_NET_RAW");
	where.sll_ifindex = probe->index;
	strncpy(request.ifr_name, probe->interface, sizeof request.ifr_name - 1);
	if (bind(probe->fd, (struct sockaddr *)&where, sizeof where) < 0 ||
	    ioctl(probe->fd, SIOCGIFHWADDR, &request) < 0)
		return err_errno(err, errno, "%s: cannot be used", probe->interface);
	memcpy(probe->hardware, request.ifr_hwaddr.sa_data, 6);
	probe->hardware_type = request.ifr_hwaddr.sa_family;
	if (getrandom(&probe->xid, sizeof probe->xid, 0) != (ssize_t)sizeof probe->xid)
		return err_errno(err, errno, "random bytes");
	return 0;
}

static int discover_send(const struct probe *probe, struct err *err)
{
	static const uint8_t options[] = { OPTION_TYPE, 1, DHCPDISCOVER, OPTION_PARAMETERS, 2,
					   1,		3, OPTION_END };
	struct packet packet = {
		.ip = { .version = 4,
			.ihl = 5,
			.tot_len = htons(sizeof packet),
			.ttl = 16,
			.protocol = IPPROTO_UDP,
			.daddr = INADDR_BROADCAST },
		.udp = { .source = htons(PORT_CLIENT),
			 .dest = htons(PORT_SERVER),
			 .len = htons(sizeof packet - sizeof packet.ip) },
		.message = { .op = BOOTREQUEST,
			     .htype = ARPHRD_ETHER,
			     .hlen = 6,
			     .xid = probe->xid,
			     .flags = htons(FLAG_BROADCAST),
			     .magic = htonl(MAGIC) },
	};
	struct sockaddr_ll everyone = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = probe->index,
		.sll_halen = 6,
		.sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};

	memcpy(packet.message.chaddr, probe->hardware, 6);
	memcpy(packet.message.options, options, sizeof options);
	packet.ip.check = ip_checksum(&packet.ip, sizeof packet.ip);
	if (sendto(probe->fd, &packet, sizeof packet, 0, (struct sockaddr *)&everyone,
		   sizeof everyone) < 0)
		return err_errno(err, errno, "%s: asking for DHCP servers", probe->interface);
	return 0;
}

/* The value of an option of that length, or NULL. */
static const uint8_t *option_find(const uint8_t *options, size_t length, uint8_t code,
				  uint8_t want_length)
{
	size_t i = 0;

	while (i < length && options[i] != OPTION_END) {
		if (options[i] == OPTION_PAD) {
			i++;
			continue;
		}
		if (i + 2 > length || i + 2 + options[i + 1] > length)
			return NULL;
		if (options[i] == code && options[i + 1] == want_length)
			return options + i + 2;
		i += 2u + options[i + 1];
	}
	return NULL;
}

/* Is it an offer for us, of an address? Who offers is told by option 54. */
static bool offer_parse(const struct probe *probe, const uint8_t *data, size_t length,
			struct in_addr *ret_server)
{
	struct packet packet = { 0 };
	const size_t fixed = offsetof(struct packet, message.options);
	size_t header = length > 0 ? (data[0] & 15u) * 4u : 0;

	/* Options of IP are skipped, then the rest is as we would have sent it. */
	if (header < sizeof packet.ip || length < header - sizeof packet.ip + fixed)
		return false;
	memcpy(&packet.ip, data, sizeof packet.ip);
	data += header;
	length -= header;
	if (length > sizeof packet - sizeof packet.ip)
		length = sizeof packet - sizeof packet.ip;
	memcpy(&packet.udp, data, length);
	if (packet.ip.protocol != IPPROTO_UDP || packet.udp.dest != htons(PORT_CLIENT) ||
	    packet.message.op != BOOTREPLY || packet.message.xid != probe->xid ||
	    packet.message.magic != htonl(MAGIC) || packet.message.yiaddr.s_addr == 0 ||
	    memcmp(packet.message.chaddr, probe->hardware, 6) != 0)
		return false;
	size_t options = length - (fixed - sizeof packet.ip);
	const uint8_t *type = option_find(packet.message.options, options, OPTION_TYPE, 1);
	const uint8_t *server = option_find(packet.message.options, options, OPTION_SERVER, 4);

	if (!type || *type != DHCPOFFER || !server)
		return false;
	memcpy(ret_server, server, sizeof *ret_server);
	return true;
}

static bool is_ours(struct in_addr address)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *one = all; one; one = one->ifa_next)
		if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET)
			found |= ((const struct sockaddr_in *)(const void *)one->ifa_addr)
					 ->sin_addr.s_addr == address.s_addr;
	freeifaddrs(all);
	return found;
}

static void offers_read(const struct probe *probe, struct strv *servers)
{
	uint8_t data[2048];
	char text[INET_ADDRSTRLEN];
	struct in_addr server;

	/* Not all that is there: on a busy network there is always more. */
	for (unsigned i = 0; i < PACKETS_MAX; i++) {
		ssize_t got = recv(probe->fd, data, sizeof data, 0);

		if (got <= 0)
			return;
		if (!offer_parse(probe, data, (size_t)got, &server) || is_ours(server))
			continue;
		inet_ntop(AF_INET, &server, text, sizeof text);
		if (!strv_has(servers, text) && servers->count < SERVERS_MAX)
			strv_add(servers, text);
	}
}

/* A packet may get lost, so half way it is asked again. */
static int ask(const struct probe *probe, unsigned milliseconds, struct strv *servers,
	       struct err *err)
{
	for (unsigned i = 0; i < TRIES; i++) {
		double until = clock_seconds() + milliseconds / 1000.0 / TRIES;
		double left;
		int r = discover_send(probe, err);

		if (r < 0)
			return r;
		while ((left = until - clock_seconds()) > 0) {
			struct pollfd wait = { .fd = probe->fd, .events = POLLIN };

			if (poll(&wait, 1, (int)(left * 1000) + 1) > 0)
				offers_read(probe, servers);
		}
	}
	return 0;
}

int dhcp_probe(const char *interface, unsigned milliseconds, struct strv *ret_servers,
	       struct err *err)
{
	struct probe probe = { .fd = -1, .interface = interface };
	CLEANUP(strv_done) struct strv servers = { 0 };
	int r = probe_open(&probe, err);

	if (r == 0)
		r = ask(&probe, milliseconds, &servers, err);
	fd_cleanup(&probe.fd);
	if (r < 0)
		return r;
	*ret_servers = servers;
	servers = (struct strv){ 0 };
	return 0;
}
