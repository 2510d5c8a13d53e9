/* dnsmasq runs as an ordinary user with three capabilities, in a root of its own where there is
 * nothing but itself, its configuration, its leases and the boot programs. */
#include "pxe/dhcp.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/data.h"
#include "base/fs.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/spawn.h"
#include "pxe/boot_programs.h"

#define START_SECONDS 10
#define LOG_MAX_BYTES (64u << 20)
#define LEASES_SPARE  64 /* of a range that is small, for machines that come and go */

/* dnsmasq 2.90 holds 128 bytes of boot file. iPXE itself fills in what is in ${}. */
#define SCRIPT                                                                                     \
	"http://%s/boot/ipxe?mac=${netX/mac:hexhyp}&uuid=${uuid}&arch=${buildarch}&"               \
	"platform=${platform}"

struct paths {
	char *folder, *tftp, *config, *leases, *log, *jail;
};

static void paths_done(struct paths *paths)
{
	free(paths->folder);
	free(paths->tftp);
	free(paths->config);
	free(paths->leases);
	free(paths->log);
	free(paths->jail);
}

static void paths_of(const char *folder, struct paths *ret_paths)
{
	CLEANUP(free_cleanup) char *here = realpath(folder, NULL);

	*ret_paths = (struct paths){ .folder = str_copy(here ? here : folder) };
	ret_paths->tftp = path_join(ret_paths->folder, "tftp");
	ret_paths->config = path_join(ret_paths->folder, "dnsmasq.conf");
	ret_paths->leases = path_join(ret_paths->folder, "dnsmasq.leases");
	ret_paths->log = path_join(ret_paths->folder, "dnsmasq.log");
	ret_paths->jail = path_join(ret_paths->folder, "dnsmasq.root");
}

static char *server_of(const struct dhcp_request *request)
{
	return str_format("%s:%u", request->address, request->lab->ports.boot);
}

int dhcp_files(const struct dhcp_request *request, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_join(request->folder, "tftp");
	CLEANUP(free_cleanup) char *server = server_of(request);

	return boot_programs_make(folder, server, err);
}

/* Nothing in a value may end it: what dnsmasq.conf takes for its own. */
static int value_check(const char *what, const char *value, struct err *err)
{
	for (const char *c = value; *c; c++)
		if (iscntrl((unsigned char)*c) || strchr(" ,\"\\#", *c))
			return err_set(err, -EINVAL, "%s: \"%s\" cannot stand in dnsmasq.conf",
				       what, value);
	return 0;
}

/* Inside quotes: a path. */
static int path_check(const char *path, struct err *err)
{
	for (const char *c = path; *c; c++)
		if (iscntrl((unsigned char)*c) || strchr("\"\\", *c))
			return err_set(err, -EINVAL, "%s: such a path cannot stand in dnsmasq.conf",
				       path);
	return 0;
}

static int values_check(const struct dhcp_request *request, const struct paths *paths,
			struct err *err)
{
	const struct lab *lab = request->lab;
	const struct {
		const char *what, *value;
	} values[] = {
		{ "interface", lab->interface },    { "address", request->address },
		{ "dhcp.range", lab->range_first }, { "dhcp.range", lab->range_last },
		{ "dhcp.gateway", lab->gateway },
	};
	int r = path_check(paths->folder, err);

	for (size_t i = 0; r == 0 && i < sizeof values / sizeof *values; i++)
		r = value_check(values[i].what, values[i].value ? values[i].value : "", err);
	for (size_t i = 0; r == 0 && i < lab->dns.count; i++)
		r = value_check("dhcp.dns", lab->dns.items[i], err);
	return r;
}

static unsigned lease_max(const struct lab *lab)
{
	struct in_addr first, last;

	if (inet_pton(AF_INET, lab->range_first ? lab->range_first : "", &first) != 1 ||
	    inet_pton(AF_INET, lab->range_last ? lab->range_last : "", &last) != 1 ||
	    ntohl(last.s_addr) < ntohl(first.s_addr))
		return LEASES_SPARE;
	return ntohl(last.s_addr) - ntohl(first.s_addr) + LEASES_SPARE;
}

/* ",a,b", "" for an empty list: then dnsmasq sends none, and not itself. */
static char *list_option(const struct strv *list)
{
	CLEANUP(free_cleanup) char *joined = strv_join(list, ",");

	return str_format("%s%s", *joined ? "," : "", joined);
}

static const char *const addresses_template[] = {
	[LAB_DHCP_PROXY] = "pxe/dnsmasq-proxy.conf",
	[LAB_DHCP_FULL] = "pxe/dnsmasq-full.conf",
};

static int config_render(const struct dhcp_request *request, const struct paths *paths,
			 char **ret_text, struct err *err)
{
	const struct lab *lab = request->lab;
	CLEANUP(free_cleanup) char *server = server_of(request);
	CLEANUP(free_cleanup) char *script = str_format(SCRIPT, server);
	CLEANUP(free_cleanup) char *lease = str_format("%u", lab->lease_seconds);
	CLEANUP(free_cleanup) char *max = str_format("%u", lease_max(lab));
	CLEANUP(free_cleanup) char *dns = list_option(&lab->dns);
	CLEANUP(free_cleanup)
	char *router = str_format("%s%s", lab->gateway && *lab->gateway ? "," : "",
				  lab->gateway ? lab->gateway : "");
	CLEANUP(free_cleanup) char *addresses = NULL;
	struct template_value values[] = {
		{ "INTERFACE", lab->interface },
		{ "ADDRESS", request->address },
		{ "SERVER", server },
		{ "SCRIPT", script },
		{ "TFTP", paths->tftp },
		{ "LEASES", paths->leases },
		{ "FIRST", lab->range_first ? lab->range_first : "" },
		{ "LAST", lab->range_last ? lab->range_last : "" },
		{ "LEASE", lease },
		{ "LEASE_MAX", max },
		{ "ROUTER", router },
		{ "DNS", dns },
		{ "BIOS", BOOT_PROGRAM_BIOS },
		{ "UEFI", BOOT_PROGRAM_UEFI },
		{ "ADDRESSES", "" },
		{ NULL, NULL },
	};
	int r = 0;

	if (lab->dhcp != LAB_DHCP_NONE) {
		r = template_render(addresses_template[lab->dhcp], values, &addresses, err);
		if (r < 0)
			return r;
		for (struct template_value *value = values; value->name; value++)
			if (str_equal(value->name, "ADDRESSES"))
				value->value = addresses;
	}
	return template_render("pxe/dnsmasq.conf", values, ret_text, err);
}

int dhcp_config(const struct dhcp_request *request, char **ret_text, struct err *err)
{
	CLEANUP(paths_done) struct paths paths = { 0 };

	paths_of(request->folder, &paths);
	int r = values_check(request, &paths, err);
	return r < 0 ? r : config_render(request, &paths, ret_text, err);
}

/* --- its life ----------------------------------------------------------------------------------*/

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

static int may_start(const struct lab *lab, struct err *err)
{
	if (geteuid() != 0)
		return err_set(err, -EPERM,
			       "DHCP and TFTP have ports below 1024: run as root, or say "
			       "dhcp: none and use the site's servers (nestctl pxe render)");
	if (if_nametoindex(lab->interface) == 0)
		return err_set(err, -ENODEV,
			       "interface: %s: there is no such interface (ip link lists them)",
			       lab->interface);
	return 0;
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

static int program_start(const struct paths *paths, const struct account *account, pid_t *ret_pid,
			 struct err *err)
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
		.folder = paths->jail,
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

/* What it said since an offset. */
static char *said_since(const char *log, size_t offset)
{
	CLEANUP(free_cleanup) char *text = NULL;
	size_t length = 0;
	struct err ignored = { 0 };

	if (file_read(log, LOG_MAX_BYTES, &text, &length, &ignored) < 0 || length < offset) {
		err_clear(&ignored);
		return str_copy("");
	}
	str_tame_lines(text + offset);
	return str_copy(text + offset);
}

static int ended_early(const char *said, int status, struct err *err)
{
	CLEANUP(free_cleanup) char *how = spawn_status_text(status);

	if (strstr(said, "Address already in use") || strstr(said, "address already in use"))
		return err_set(err, -EADDRINUSE,
			       "another program has the DHCP or TFTP port "
			       "(ss -lunp shows ports 67, 69 and 4011); dnsmasq said:\n%s",
			       said);
	return err_set(err, -ECHILD, "dnsmasq %s:\n%s", how, said);
}

/* Until it says that it serves: then all its ports are open. */
static int wait_until_serving(pid_t pid, const char *log, size_t offset, struct err *err)
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

int dhcp_start(const struct dhcp_request *request, pid_t *ret_pid, struct err *err)
{
	CLEANUP(paths_done) struct paths paths = { 0 };
	CLEANUP(free_cleanup) char *text = NULL;
	struct account account = { 0 };
	struct stat log = { 0 };
	pid_t pid = 0;
	int r = may_start(request->lab, err);

	if (r == 0)
		r = dir_make(request->folder, 0700, err);
	if (r == 0)
		r = account_find(&account, err);
	if (r == 0)
		r = dhcp_config(request, &text, err);
	if (r < 0)
		return r;
	paths_of(request->folder, &paths);
	r = file_write(paths.config, text, strlen(text), 0644, err);
	if (r == 0)
		r = leases_prepare(paths.leases, &account, err);
	if (r == 0)
		r = dir_make(paths.jail, 0700, err);
	if (r < 0)
		return r;
	if (stat(paths.log, &log) < 0)
		log.st_size = 0;
	r = program_start(&paths, &account, &pid, err);
	if (r == 0)
		r = wait_until_serving(pid, paths.log, (size_t)log.st_size, err);
	if (r < 0)
		return err_wrap(err, r, "starting DHCP and TFTP on %s", request->lab->interface);
	*ret_pid = pid;
	return 0;
}
