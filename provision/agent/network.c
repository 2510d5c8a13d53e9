#include "network.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "files.h"

#define POLL_SECONDS	0.2
#define RETRY_SECONDS	0.5
#define ATTEMPT_SECONDS 8.0 /* of an attempt: several levels of emulated switches are slow */

static void look(void *context);

/* ---- the interface ---- */

static bool interface_ask(const char *name, unsigned long request, struct ifreq *ifreq)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*ifreq = (struct ifreq){ 0 };
	text_copy(ifreq->ifr_name, sizeof ifreq->ifr_name, name);
	int r = fd < 0 ? -1 : ioctl(fd, (int)request, ifreq);
	int reason = errno;
	if (fd >= 0)
		close(fd);
	errno = reason;
	return r == 0;
}

static uint32_t ifreq_address(const struct ifreq *ifreq)
{
	struct sockaddr_in address;

	memcpy(&address, &ifreq->ifr_addr, sizeof address);
	return address.sin_addr.s_addr;
}

static bool address_read(struct network *network)
{
	const char *name = network->conf->interface;
	char text[INET_ADDRSTRLEN];
	struct ifreq ifreq;

	if (!interface_ask(name, SIOCGIFADDR, &ifreq)) {
		snprintf(network->problem, sizeof network->problem,
			 errno == ENODEV ? "there is no interface %s" : "%s has no address", name);
		return false;
	}
	struct in_addr address = { ifreq_address(&ifreq) };
	if (address.s_addr == 0) /* a DHCP client that begins */
		return false;
	inet_ntop(AF_INET, &address, text, sizeof text);
	if (!interface_ask(name, SIOCGIFNETMASK, &ifreq))
		return false;
	snprintf(network->address, sizeof network->address, "%s/%d", text,
		 __builtin_popcount(ifreq_address(&ifreq)));
	return true;
}

static void mac_read(struct network *network)
{
	struct ifreq ifreq;
	unsigned char mac[6];

	if (!interface_ask(network->conf->interface, SIOCGIFHWADDR, &ifreq))
		return;
	memcpy(mac, ifreq.ifr_hwaddr.sa_data, sizeof mac);
	snprintf(network->mac, sizeof network->mac, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
}

/* ---- its driver ---- */

static bool driver_of(struct network *network, const char *interface)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "/sys/class/net/%s/device/driver", interface);
	if (!file_link_name(network->root, path, network->driver, sizeof network->driver))
		return false;
	/* On Xen's bus front end and back end have this one name; a guest's own is the front. */
	if (strcmp(network->driver, "vif") == 0)
		text_copy(network->driver, sizeof network->driver, "xen-netfront");
	return true;
}

/* The guests' ends hang at the bridge too, named vifD.N and tap*; the NIC is what is left. */
static bool is_guest_end(const char *interface)
{
	return strncmp(interface, "vif", 3) == 0 || strncmp(interface, "tap", 3) == 0;
}

static void driver_read(struct network *network)
{
	char folder[PATH_MAX];
	struct dirent *entry;

	if (driver_of(network, network->conf->interface))
		return;
	file_path(folder, sizeof folder, network->root, "/sys/class/net/%s/brif",
		  network->conf->interface);
	DIR *ports = opendir(folder);
	while (ports && (entry = readdir(ports)))
		if (entry->d_name[0] != '.' && !is_guest_end(entry->d_name) &&
		    driver_of(network, entry->d_name))
			break;
	if (ports)
		closedir(ports);
}

/* ---- the end ---- */

static void socket_close(struct network *network)
{
	timer_stop(network->loop, &network->attempt);
	if (network->socket.fd < 0)
		return;
	loop_unwatch(network->loop, &network->socket);
	close(network->socket.fd);
	network->socket.fd = -1;
}

static void timers_stop(struct network *network)
{
	timer_stop(network->loop, &network->poll);
	timer_stop(network->loop, &network->limit);
	socket_close(network);
}

static void decide(struct network *network)
{
	timers_stop(network);
	mac_read(network);
	driver_read(network);
	network->decided = true;
	network->on_decided(network->context);
}

static void limit_fire(void *context)
{
	struct network *network = context;
	unsigned seconds = network->conf->network_timeout_seconds;
	const char *problem = *network->problem ? network->problem : "no answer yet";

	if (*network->address)
		snprintf(network->error, sizeof network->error,
			 "no echo from %s within %u s: %s (address %s)", network->server, seconds,
			 problem, network->address);
	else
		snprintf(network->error, sizeof network->error, "no address within %u s: %s",
			 seconds, problem);
	decide(network);
}

/* ---- the echo ---- */

static void attempt_failed(struct network *network, const char *why)
{
	text_copy(network->problem, sizeof network->problem, why);
	socket_close(network);
	timer_set(network->loop, &network->poll, RETRY_SECONDS);
}

static void attempt_fire(void *context)
{
	attempt_failed(context, "no answer in time");
}

static bool answer_is_whole(const struct network *network)
{
	return network->answer_length == ECHO_DIGITS + 1 && network->answer[ECHO_DIGITS] == '\n' &&
	       strspn(network->answer, "0123456789abcdefABCDEF") == ECHO_DIGITS;
}

static void answer_read(struct network *network)
{
	ssize_t got = read(network->socket.fd, network->answer + network->answer_length,
			   sizeof network->answer - 1 - network->answer_length);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		attempt_failed(network,
			       got < 0 ? strerror(errno) : "it was closed without an answer");
		return;
	}
	network->answer_length += (size_t)got;
	network->answer[network->answer_length] = '\0';
	if (answer_is_whole(network)) {
		/* Once more: DHCP clients set the address first, its netmask after it. */
		if (!address_read(network)) {
			attempt_failed(network, "the address was taken back meanwhile");
			return;
		}
		memcpy(network->echo, network->answer, ECHO_DIGITS);
		network->echo[ECHO_DIGITS] = '\0';
		decide(network);
	} else if (network->answer_length > ECHO_DIGITS) {
		attempt_failed(network, "its answer is not 64 hex digits");
	}
}

static void socket_ready(void *context, short revents)
{
	struct network *network = context;
	size_t length = strlen(network->request);
	socklen_t size = sizeof(int);
	int problem = 0;

	if (!(network->socket.events & POLLOUT)) {
		answer_read(network);
		return;
	}
	(void)revents;
	getsockopt(network->socket.fd, SOL_SOCKET, SO_ERROR, &problem, &size);
	/* Into an empty socket buffer: whole or not at all. */
	if (problem == 0 && write(network->socket.fd, network->request, length) < 0)
		problem = errno;
	if (problem)
		attempt_failed(network, strerror(problem));
	else
		network->socket.events = POLLIN;
}

static void attempt(struct network *network)
{
	struct sockaddr_in server = { .sin_family = AF_INET };
	char host[32];
	char *colon;

	text_copy(host, sizeof host, network->server);
	colon = strchr(host, ':');
	*colon = '\0'; /* both were checked with the hello */
	inet_pton(AF_INET, host, &server.sin_addr);
	server.sin_port = htons((uint16_t)atoi(colon + 1));
	network->answer_length = 0;
	network->socket.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (network->socket.fd >= 0 &&
	    connect(network->socket.fd, (struct sockaddr *)&server, sizeof server) < 0 &&
	    errno != EINPROGRESS) {
		const char *why = strerror(errno);

		close(network->socket.fd);
		network->socket.fd = -1;
		attempt_failed(network, why);
		return;
	}
	if (network->socket.fd < 0) {
		attempt_failed(network, strerror(errno));
		return;
	}
	network->socket.events = POLLOUT;
	loop_watch(network->loop, &network->socket);
	timer_set(network->loop, &network->attempt, ATTEMPT_SECONDS);
}

static void look(void *context)
{
	struct network *network = context;

	/* Looked at before every attempt: an address can be taken back. */
	network->address[0] = '\0';
	if (address_read(network))
		attempt(network);
	else
		timer_set(network->loop, &network->poll, POLL_SECONDS);
}

/* ---- set-up ---- */

void network_init(struct network *network, struct loop *loop, const struct conf *conf,
		  const char *root)
{
	network->loop = loop;
	network->conf = conf;
	network->root = root;
	network->poll = (struct timer){ .fire = look, .context = network };
	network->attempt = (struct timer){ .fire = attempt_fire, .context = network };
	network->limit = (struct timer){ .fire = limit_fire, .context = network };
	network->socket = (struct watch){ .fd = -1, .ready = socket_ready, .context = network };
}

void network_start(struct network *network, const struct outward *outward)
{
	timers_stop(network);
	network->decided = false;
	network->address[0] = network->echo[0] = network->error[0] = network->problem[0] = '\0';
	network->mac[0] = network->driver[0] = '\0';
	text_copy(network->server, sizeof network->server, outward->echo);
	snprintf(network->request, sizeof network->request, "nestctl-echo %s %s\n", outward->path,
		 outward->nonce);
	timer_set(network->loop, &network->limit, network->conf->network_timeout_seconds);
	timer_set(network->loop, &network->poll, 0);
}

void network_done(struct network *network)
{
	timers_stop(network);
}
