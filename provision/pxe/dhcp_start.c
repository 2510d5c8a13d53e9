/* dnsmasq runs as an ordinary user with three capabilities, in a root of its own where there is
 * nothing but itself, its configuration, its leases and the boot programs. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/spawn.h"
#include "pxe/dhcp.h"
#include "pxe/dhcp_paths.h"
#include "pxe/interface.h"

#define START_SECONDS  10
#define PORT_DHCP      67
#define PORT_TFTP      69
#define PORT_PROXY     4011 /* PXE 2.1, 2.2.2 */
#define SAID_MAX_BYTES 8192
#define LOG_MAX_BYTES  (32u << 20)

struct account {
	uid_t user;
	gid_t group;
};

/* Debian's package dnsmasq makes a user of its own; where only dnsmasq-base is, nobody must do. */
static int account_find(struct account *ret_account, struct err *err)
{
	static const char *const names[] = { "dnsmasq", "nobody" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct passwd *entry = getpwnam(names[i]);

		if (entry && entry->pw_uid != 0) {
			*ret_account =
				(struct account){ .user = entry->pw_uid, .group = entry->pw_gid };
			return 0;
		}
	}
	return err_set(err, -ENOENT, "there is neither a user dnsmasq nor a user nobody");
}

/* Of dhcp: full: what machines are given must be of use in the interface's network. */
static int addresses_check(const struct lab *lab, const char *own, struct err *err)
{
	bool reached = interface_reaches(lab->interface, own, lab->range_first) &&
		       interface_reaches(lab->interface, own, lab->range_last);

	if (reached && (!*lab->gateway || interface_reaches(lab->interface, own, lab->gateway)))
		return 0;
	CLEANUP(free_cleanup)
	char *found =
		reached ? str_format("network.gateway: %s", lab->gateway)
			: str_format("network.range: %s-%s", lab->range_first, lab->range_last);
	return err_set(err, -EINVAL,
		       "%s is not in the network of %s, which has %s (ip address show dev %s)",
		       found, lab->interface, own, lab->interface);
}

static int may_start(const struct dhcp_request *request, struct err *err)
{
	const struct lab *lab = request->lab;
	char address[INET_ADDRSTRLEN];

	if (geteuid() != 0)
		return err_set(
			err, -EPERM,
			"DHCP and TFTP have ports below 1024: run as root, or say "
			"network.dhcp: none and use the site's servers (nestctl pxe render)");
	int r = interface_address(lab->interface, request->address, address, err);
	return r < 0 || lab->dhcp != LAB_DHCP_FULL ? r : addresses_check(lab, address, err);
}

/* dnsmasq shares its ports with whoever shares too, and both would answer: here none may. */
static int port_check(const struct lab *lab, const char *address, unsigned port, struct err *err)
{
	struct sockaddr_in where = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	CLEANUP(fd_cleanup) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_errno(err, errno, "a socket cannot be made");
	inet_pton(AF_INET, address, &where.sin_addr);
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, lab->interface,
		       (socklen_t)strlen(lab->interface) + 1) < 0)
		return err_errno(err, errno, "network.interface: %s cannot be bound to",
				 lab->interface);
	if (bind(fd, (struct sockaddr *)&where, sizeof where) == 0)
		return 0;
	if (errno == EADDRINUSE)
		return err_set(err, -EADDRINUSE,
			       "UDP port %u on %s is another program's (ss -lunp 'sport = :%u' "
			       "names it): end it%s",
			       port, lab->interface, port,
			       port == PORT_TFTP ? "" : ", or say network.dhcp: none");
	return err_errno(err, errno, "UDP port %u on %s cannot be opened", port, lab->interface);
}

static int ports_check(const struct dhcp_request *request, struct err *err)
{
	const struct lab *lab = request->lab;
	int r = port_check(lab, request->address, PORT_TFTP, err);

	if (r == 0 && lab->dhcp != LAB_DHCP_NONE)
		r = port_check(lab, "0.0.0.0", PORT_DHCP, err);
	if (r == 0 && lab->dhcp == LAB_DHCP_PROXY)
		r = port_check(lab, "0.0.0.0", PORT_PROXY, err);
	return r;
}

/* dnsmasq writes its leases into the file as it is, without a new one beside it. */
static int leases_prepare(const char *path, const struct account *account, struct err *err)
{
	CLEANUP(fd_cleanup)
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0 || fchown(fd, account->user, account->group) < 0)
		return err_errno(err, errno, "%s: cannot be made", path);
	return 0;
}

static int jail_in_child(void *jail)
{
	return jail_enter(jail);
}

static int program_start(const struct dhcp_paths *paths, const struct account *account,
			 pid_t *ret_pid, struct err *err)
{
	const struct jail_path visible[] = {
		{ .path = "/usr" },
		{ .path = "/lib" },
		{ .path = "/lib64" },
		{ .path = "/etc/ld.so.cache" },
		{ .path = "/etc/passwd" },
		{ .path = "/etc/group" },
		{ .path = "/etc/nsswitch.conf" },
		{ .path = "/dev/null", .writable = true },
		{ .path = "/dev/urandom" },
		{ .path = paths->config },
		{ .path = paths->tftp },
		{ .path = paths->leases, .writable = true },
	};
	struct jail jail = {
		.folder = paths->root,
		.paths = visible,
		.count = sizeof visible / sizeof *visible,
	};
	CLEANUP(free_cleanup) char *found = program_find("dnsmasq");
	CLEANUP(strv_done) struct strv argv = { 0 };

	/* setpriv first changes the user, then asks to die with us: the kernel forgets that wish
	 * when the user changes, as it would if dnsmasq did that itself. */
	strv_add(&argv, "setpriv");
	strv_format(&argv, "--reuid=%u", account->user);
	strv_format(&argv, "--regid=%u", account->group);
	strv_add(&argv, "--clear-groups");
	strv_add(&argv, "--inh-caps=-all,+net_admin,+net_raw,+net_bind_service");
	strv_add(&argv, "--ambient-caps=-all,+net_admin,+net_raw,+net_bind_service");
	strv_add(&argv, "--bounding-set=-all,+net_admin,+net_raw,+net_bind_service");
	strv_add(&argv, "--no-new-privs");
	strv_add(&argv, "--pdeathsig=KILL");
	strv_add(&argv, "--");
	strv_add(&argv, found ? found : "/usr/sbin/dnsmasq");
	strv_add(&argv, "--keep-in-foreground");
	strv_add(&argv, "--log-facility=-");
	strv_add(&argv, "--pid-file");
	strv_format(&argv, "--conf-file=%s", paths->config);
	return spawn_start(&(struct spawn_options){ .argv = (const char *const *)argv.items,
						    .log_path = paths->log,
						    .purpose = "starting dnsmasq",
						    .in_child = jail_in_child,
						    .context = &jail },
			   false, ret_pid, err);
}

/* What it said since an offset, as far as it is worth reading. */
static char *said_since(const char *log, uint64_t offset)
{
	char *text = mem_alloc(SAID_MAX_BYTES + 1);
	CLEANUP(fd_cleanup) int fd = open(log, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? fd : fd_pread_all(fd, text, SAID_MAX_BYTES, offset);

	text[length > 0 ? length : 0] = '\0';
	str_tame_lines(text);
	return text;
}

static int ended_early(const char *said, int status, struct err *err)
{
	CLEANUP(free_cleanup) char *how = spawn_status_text(status);

	return err_set(err, -ECHILD, "dnsmasq %s:\n%s", how, said);
}

/* Until it says that it serves: then all its ports are open. */
static int wait_until_serving(pid_t pid, const char *log, uint64_t offset, struct err *err)
{
	double until = clock_seconds() + START_SECONDS;

	while (clock_seconds() < until) {
		int status = 0;
		bool ended = waitpid(pid, &status, WNOHANG) == pid;
		CLEANUP(free_cleanup) char *said = said_since(log, offset);

		if (ended)
			return ended_early(said, status, err);
		if (strstr(said, "started, version"))
			return 0;
		poll(NULL, 0, 20);
	}
	spawn_end(pid, 1000);
	return err_set(err, -ETIMEDOUT, "dnsmasq did not begin to serve within %d s (%s)",
		       START_SECONDS, log);
}

int dhcp_check(const struct dhcp_request *request, struct err *err)
{
	int r = may_start(request, err);

	return r < 0 ? r : ports_check(request, err);
}

int dhcp_start(const struct dhcp_request *request, pid_t *ret_pid, struct err *err)
{
	CLEANUP(dhcp_paths_done) struct dhcp_paths paths = { 0 };
	CLEANUP(free_cleanup) char *text = NULL;
	struct account account = { 0 };
	struct stat log = { 0 };
	pid_t pid = 0;
	int r = dhcp_check(request, err);

	if (r == 0)
		r = dir_make(request->folder, 0700, err);
	if (r == 0)
		r = account_find(&account, err);
	if (r == 0)
		r = dhcp_config(request, &text, err);
	if (r != 0)
		return r;
	dhcp_paths_of(request->folder, &paths);
	r = file_write(paths.config, text, strlen(text), 0644, err);
	if (r == 0)
		r = leases_prepare(paths.leases, &account, err);
	if (r == 0)
		r = dir_make(paths.root, 0700, err);
	if (r < 0)
		return r;
	if (stat(paths.log, &log) < 0)
		log.st_size = 0;
	r = program_start(&paths, &account, &pid, err);
	if (r == 0)
		r = wait_until_serving(pid, paths.log, (uint64_t)log.st_size, err);
	if (r < 0)
		return err_wrap(err, r, "starting DHCP and TFTP on %s", request->lab->interface);
	*ret_pid = pid;
	return 0;
}

void dhcp_log_limit(const struct dhcp_request *request)
{
	CLEANUP(dhcp_paths_done) struct dhcp_paths paths = { 0 };
	struct stat log;

	dhcp_paths_of(request->folder, &paths);
	if (stat(paths.log, &log) == 0 && log.st_size > LOG_MAX_BYTES &&
	    truncate(paths.log, 0) == 0)
		log_warn("%s was %u MiB long: it begins anew", paths.log, LOG_MAX_BYTES >> 20);
}
