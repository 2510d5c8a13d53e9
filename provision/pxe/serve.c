#include "pxe/serve.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "pxe/dhcp.h"
#include "pxe/images.h"
#include "pxe/interface.h"
#include "pxe/netboot.h"
#include "pxe/offer.h"
#include "pxe/proving.h"
#include "pxe/vendor.h"
#include "pxe/watch.h"
#include "pxe/web.h"
#include "run/loop.h"

#define ROUND_MAX_SECONDS  1.0
#define DHCP_PROBE_MS	   3000
#define DHCP_PAUSE_SECONDS 5.0 /* before one that ended is started again */
#define DHCP_GRACE_MS	   2000
#define LAST_WORDS_SECONDS 2.0 /* after the last proof: for whoever still reads the page */

struct serve {
	const struct serve_request *request;
	char address[INET_ADDRSTRLEN];
	char *folder; /* of what is served and remembered, below the lab's */
	struct lab_images *images;
	struct vendor *vendor;
	struct ledger *ledger;
	struct offer *offer;
	struct web *web;
	struct proving *proving;
	struct watch *watch;
	int changed; /* an eventfd: the ledger did */
	struct dhcp_request dhcp_request;
	pid_t dhcp; /* 0: none */
	int dhcp_pidfd;
	double dhcp_again; /* when it is started again; 0: it runs, or is not wanted */
};

/* ---- dnsmasq ---- */

static int dhcp_begin(struct serve *serve, struct err *err)
{
	int r = dhcp_start(&serve->dhcp_request, &serve->dhcp, err);

	if (r < 0)
		return r;
	serve->dhcp_pidfd = pidfd_open(serve->dhcp, 0);
	if (serve->dhcp_pidfd < 0)
		return err_errno(err, errno, "dnsmasq cannot be watched");
	return 0;
}

static void dhcp_forget(struct serve *serve)
{
	if (serve->dhcp_pidfd >= 0)
		close(serve->dhcp_pidfd);
	serve->dhcp_pidfd = -1;
	serve->dhcp = 0;
}

/* It ended by itself: it is started again, for machines boot at any time. */
static void dhcp_ended(void *context, int fd, short events)
{
	struct serve *serve = context;
	int status = 0;

	(void)fd;
	(void)events;
	waitpid(serve->dhcp, &status, 0);
	CLEANUP(free_cleanup) char *how = spawn_status_text(status);
	dhcp_forget(serve);
	serve->dhcp_again = clock_seconds() + DHCP_PAUSE_SECONDS;
	log_warn("dnsmasq %s; it is started again in %.0f s (its log is in %s)", how,
		 DHCP_PAUSE_SECONDS, serve->folder);
}

/* The rest goes on without it: machines that have their address are being installed. */
static void dhcp_tick(struct serve *serve)
{
	CLEANUP(err_clear) struct err failure = { 0 };

	if (serve->dhcp_again == 0 || clock_seconds() < serve->dhcp_again)
		return;
	serve->dhcp_again = 0;
	if (dhcp_begin(serve, &failure) == 0)
		return;
	log_warn("%s", failure.text);
	dhcp_forget(serve);
	serve->dhcp_again = clock_seconds() + DHCP_PAUSE_SECONDS;
}

/* Two servers that give addresses on one network are one too many; a proxy alone gives none. */
static int dhcp_neighbours(const struct lab *lab, struct err *err)
{
	CLEANUP(strv_done) struct strv servers = { 0 };

	if (lab->dhcp == LAB_DHCP_NONE)
		return 0;
	int r = dhcp_probe(lab->interface, DHCP_PROBE_MS, &servers, err);
	if (r < 0)
		return r;
	CLEANUP(free_cleanup) char *list = strv_join(&servers, ", ");
	if (lab->dhcp == LAB_DHCP_FULL && servers.count > 0)
		return err_set(err, -EEXIST,
			       "network.dhcp: full, but %s gives addresses on %s already (write "
			       "proxy, or stop that server)",
			       list, lab->interface);
	if (lab->dhcp == LAB_DHCP_PROXY && servers.count == 0)
		log_warn("network.dhcp: proxy, but no DHCP server answers on %s: machines get no "
			 "address (full gives them one)",
			 lab->interface);
	return 0;
}

static int dhcp_open(struct serve *serve, struct err *err)
{
	const struct lab *lab = serve->request->lab;
	int r = dhcp_neighbours(lab, err);

	if (r == 0)
		r = dhcp_files(&serve->dhcp_request, err);
	if (r == 0 && lab->dhcp != LAB_DHCP_NONE)
		r = dhcp_begin(serve, err);
	return r;
}

/* ---- up ---- */

static void ledger_changed(void *context)
{
	const struct serve *serve = context;

	eventfd_write(serve->changed, 1);
}

static int web_open(struct serve *serve, struct err *err)
{
	const struct offer_request offer = {
		.lab = serve->request->lab,
		.address = serve->address,
		.folder = serve->folder,
		.ledger = serve->ledger,
		.images = serve->images,
		.vendor = serve->vendor,
	};
	serve->offer = offer_new(&offer);
	const struct web_request web = {
		.lab = serve->request->lab,
		.address = serve->address,
		.ledger = serve->ledger,
		.source = offer_source(serve->offer),
		.folder = serve->folder,
	};
	return web_start(&web, &serve->web, err);
}

static int netboot_open(struct serve *serve, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_join(serve->folder, "netboot");
	const char *tree = NULL;
	int r = lab_images_tree(serve->images, &tree, err);

	return r == 0 && tree ? netboot_make(tree, web_ca(serve->web), folder, err) : r;
}

static int images_open(struct serve *serve, struct err *err)
{
	const struct lab_images_request images = {
		.lab = serve->request->lab,
		.store = serve->request->store,
		.out = serve->request->out,
		.accel = serve->request->accel,
		.offline = serve->request->offline,
	};
	return lab_images_make(&images, &serve->images, err);
}

static int media_open(struct serve *serve, struct err *err)
{
	const struct vendor_request vendor = {
		.lab = serve->request->lab,
		.address = serve->address,
		.folder = serve->folder,
		.offline = serve->request->offline,
	};
	return vendor_open(&vendor, &serve->vendor, err);
}

/* Images and answers hold hashes of passwords: the lab's folder is its owner's alone. */
static int folder_make(const struct serve *serve, struct err *err)
{
	const char *lab = serve->request->out;
	CLEANUP(free_cleanup) char *above = path_folder(lab);
	int r = dir_make(above, 0755, err);

	if (r == 0)
		r = dir_make(lab, 0700, err);
	if (r == 0 && chmod(lab, 0700) < 0)
		r = err_errno(err, errno, "%s: cannot be kept from others", lab);
	return r < 0 ? r : dir_make(serve->folder, 0700, err);
}

/* What would fail at the end, after the images were made. */
static int serve_check(const struct serve *serve, struct err *err)
{
	const struct lab *lab = serve->request->lab;
	const struct {
		const char *name, *address;
		unsigned port;
	} ports[] = {
		{ "boot", serve->address, lab->ports.boot },
		{ "secure", serve->address, lab->ports.secure },
		{ "answers", serve->address, lab->ports.answers },
		{ "agents", serve->address, lab->ports.agents },
		{ "status", lab->status_address, lab->ports.status },
	};
	int r = lab->dhcp == LAB_DHCP_NONE ? 0 : dhcp_check(&serve->dhcp_request, err);

	for (size_t i = 0; r == 0 && i < sizeof ports / sizeof *ports; i++)
		r = interface_port_check(ports[i].address, ports[i].port, ports[i].name, err);
	return r;
}

/* What a machine asks for first comes up last. */
static int serve_open(struct serve *serve, struct err *err)
{
	const struct lab *lab = serve->request->lab;
	int r = interface_address(lab->interface, lab->address, serve->address, err);

	serve->changed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	serve->folder = path_join(serve->request->out, "pxe");
	serve->dhcp_request = (struct dhcp_request){
		.lab = lab,
		.address = serve->address,
		.folder = serve->folder,
	};
	if (r == 0)
		r = folder_make(serve, err);
	if (r == 0)
		r = ledger_open(serve->folder, lab, &serve->ledger, err);
	if (r == 0)
		r = serve_check(serve, err);
	if (r == 0)
		r = images_open(serve, err);
	if (r == 0)
		r = media_open(serve, err);
	if (r == 0)
		r = web_open(serve, err);
	if (r == 0)
		r = netboot_open(serve, err);
	if (r == 0)
		r = proving_start(lab, serve->address, serve->ledger, &serve->proving, err);
	if (r == 0)
		r = dhcp_open(serve, err);
	if (r == 0)
		ledger_on_change(serve->ledger, ledger_changed, serve);
	return r;
}

static void serve_close(struct serve *serve)
{
	if (serve->dhcp > 0)
		spawn_end(serve->dhcp, DHCP_GRACE_MS);
	dhcp_forget(serve);
	if (serve->proving)
		proving_end(serve->proving);
	if (serve->web)
		web_stop(serve->web);
	offer_cleanup(&serve->offer);
	vendor_free(serve->vendor);
	ledger_free(serve->ledger);
	lab_images_cleanup(&serve->images);
	watch_cleanup(&serve->watch);
	if (serve->changed >= 0)
		close(serve->changed);
	free(serve->folder);
}

/* ---- the loop ---- */

static void change_read(void *context, int fd, short events)
{
	struct serve *serve = context;
	eventfd_t count;

	(void)events;
	eventfd_read(fd, &count);
	watch_tell(serve->watch, serve->ledger);
}

static void nothing(void *context, int fd, short events)
{
	(void)context;
	(void)fd;
	(void)events;
}

static void serve_round(struct serve *serve, struct loop *loop)
{
	double wait = proving_tick(serve->proving, ROUND_MAX_SECONDS);

	ledger_tick(serve->ledger, time(NULL));
	dhcp_tick(serve);
	if (serve->dhcp > 0)
		dhcp_log_limit(&serve->dhcp_request);
	loop_add(loop, spawn_stop_fd(), POLLIN, nothing, NULL);
	loop_add(loop, serve->changed, POLLIN, change_read, serve);
	loop_add(loop, serve->dhcp_pidfd, POLLIN, dhcp_ended, serve);
	proving_poll(serve->proving, loop);
	loop_round(loop, (int)(wait * 1000) + 1);
}

static int serve_loop(struct serve *serve, struct err *err)
{
	const struct serve_request *request = serve->request;
	CLEANUP(loop_done) struct loop loop = { 0 };
	double over = 0; /* when the last words are spoken; 0: not yet */

	while (!spawn_stop_signal()) {
		if (over == 0 && !request->keep && ledger_all_proven(serve->ledger))
			over = clock_seconds() + LAST_WORDS_SECONDS;
		if (over > 0 && clock_seconds() >= over)
			break;
		serve_round(serve, &loop);
	}
	watch_tell(serve->watch, serve->ledger);
	log_status("%s", "");
	if (!ledger_all_proven(serve->ledger))
		return err_set(err, -EINTR,
			       "stopped by a signal; what the machines have done is kept in %s",
			       serve->folder);
	return 0;
}

int pxe_serve(const struct serve_request *request, struct err *err)
{
	struct serve serve = {
		.request = request,
		.changed = -1,
		.dhcp_pidfd = -1,
		.watch = watch_new(),
	};
	const struct lab *lab = request->lab;
	int r = serve_open(&serve, err);

	malloc_trim(0); /* what was needed to make images and the netboot system */
	if (r == 0) {
		log_info("%s: %zu machine%s on %s (%s); http://%s:%u shows them", lab->name,
			 lab->machine_count, lab->machine_count == 1 ? "" : "s", lab->interface,
			 serve.address, lab->status_address, lab->ports.status);
		r = serve_loop(&serve, err);
	}
	serve_close(&serve);
	return r;
}
