#include "guests.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define XENSTORE_SOCKET	  "/run/xenstored/socket"
#define SOCKET_FOLDER	  "/run/nestctl"
#define LOG_FOLDER	  "/var/log/nestctl"
#define SOON_SECONDS	  0.2
#define LATER_SECONDS	  1.0
#define IDLE_SECONDS	  5.0	/* in case an event got lost */
#define PATIENCE_SECONDS  60.0	/* after that, SOON becomes LATER */
#define INTERFACE_SECONDS 180.0 /* xl needs the bridge; without it, it says so itself */
#define CREATE_SECONDS	  300.0
#define RETRY_SECONDS	  2.0
#define ATTEMPTS	  2
#define SHUTDOWN_SECONDS  60.0
#define DESTROY_SECONDS	  20.0
#define BOOT_SECONDS	  900.0 /* a guest whose agent is silent for longer may have none */
#define BOOT_DOWN_SECONDS 20.0	/* to end, while it boots: it hardly listens */

/* second: NULL without one. xl takes options before the first word that is none. */
static void guest_xl(struct guest *guest, const char *verb, const char *first, const char *second,
		     double seconds, void (*on_end)(void *context, int status, const char *text))
{
	char *argv[] = { (char *)"xl", (char *)verb, (char *)first, (char *)second, NULL };

	proc_stop(&guest->xl);
	guest->xl.on_end = on_end;
	guest->xl.context = guest;
	proc_start(&guest->xl, argv, seconds);
}

static void look_in(struct guests *guests, double seconds)
{
	double due = clock_now() + seconds;

	if (!guests->tick.armed || due < guests->tick.due)
		timer_set(guests->loop, &guests->tick, seconds);
}

static double soon(const struct guests *guests)
{
	return clock_now() - guests->began < PATIENCE_SECONDS ? SOON_SECONDS : LATER_SECONDS;
}

/* ---- what the toolstack knows ---- */

static bool toolstack_is_ready(struct guests *guests)
{
	char path[PATH_MAX], name[32];

	if (guests->toolstack_ready)
		return true;
	file_path(path, sizeof path, guests->root, "%s", XENSTORE_SOCKET);
	if (xenstore_connect(&guests->store, path) < 0)
		return false;
	/* xen-init-dom0 writes this name last. */
	if (!xenstore_read(&guests->store, "/local/domain/0/name", name, sizeof name))
		return false;
	file_path(path, sizeof path, guests->root, "/sys/class/net/%s", guests->conf->interface);
	if (*guests->conf->interface && access(path, F_OK) < 0 &&
	    clock_now() - guests->began < INTERFACE_SECONDS)
		return false;
	guests->toolstack_ready = true;
	return true;
}

/* The pty that the guest's console has in this host; "" while there is none. */
static void tty_find(struct guest *guest, char *path, size_t size)
{
	char key[64];

	/* An HVM guest's first serial port, written by libxl; a PV guest's console, written by
	 * xenconsoled. An HVM guest has the second one too, unused. */
	snprintf(key, sizeof key, "/local/domain/%d/%s/tty", guest->domain,
		 *guest->conf->socket ? "serial/0" : "console");
	xenstore_read(&guest->all->store, key, path, size);
}

static void domain_gone(struct guest *guest)
{
	char text[64];

	snprintf(text, sizeof text, "domain %d is gone", guest->domain);
	guest->domain = -1;
	guest->asked_down = false;
	guest_disconnect(guest);
	if (guest->state == GUEST_UP) {
		guest->state = GUEST_ENDED;
		outward_event(guest->outward, "guest-ended", guest->conf->name, text);
	}
}

static void domain_found(struct guest *guest, int domain)
{
	char text[64];

	guest->domain = domain;
	if (guest->state == GUEST_STARTING || guest->state == GUEST_UP)
		return; /* xl create says, or has said, that it is up */
	snprintf(text, sizeof text, "domain %d, %s", domain,
		 guest->state == GUEST_WAITING ? "which ran already" : "started again");
	guest->state = GUEST_UP;
	guest->silent = true;
	outward_event(guest->outward, "guest-started", guest->conf->name, text);
}

static void guest_refresh(struct guest *guest)
{
	char path[PATH_MAX] = "";
	int domain = xenstore_domain(&guest->all->store, guest->conf->name);

	if (guest->all->store.socket.fd < 0)
		return; /* the answer says nothing */
	if (guest->domain >= 0 && domain != guest->domain)
		domain_gone(guest);
	if (domain >= 0 && guest->domain < 0)
		domain_found(guest, domain);
	if (guest->domain < 0 && guest->state == GUEST_UP && !guest->xl.running) {
		guest->state = GUEST_ENDED; /* before anyone saw its number */
		outward_event(guest->outward, "guest-ended", guest->conf->name, "it ended at once");
	}
	if (guest->domain < 0 || guest_is_connected(guest))
		return;
	if (guest->tty.watch.fd < 0)
		tty_find(guest, path, sizeof path);
	guest_connect(guest, path);
	guest_greet(guest);
	if (!guest_is_connected(guest))
		look_in(guest->all, soon(guest->all));
}

/* ---- starting ---- */

static void create_ended(void *context, int status, const char *text)
{
	struct guest *guest = context;
	struct guests *guests = guest->all;

	guests->starting = NULL;
	look_in(guests, 0);
	if (status == 0) {
		guest->state = GUEST_UP;
		outward_event(guest->outward, "guest-started", guest->conf->name, "xl create");
		return;
	}
	guest_disconnect(guest);
	guest->domain = -1;
	if (guest->attempts < ATTEMPTS && !guests->going_down) {
		/* In the first seconds the toolstack can be there in part only. */
		guest->state = GUEST_WAITING;
		guest->not_before = clock_now() + RETRY_SECONDS;
		return;
	}
	guest->state = GUEST_FAILED;
	outward_event(guest->outward, "guest-failed", guest->conf->name, text);
}

static void guest_create(struct guest *guest)
{
	struct guests *guests = guest->all;

	if (guest->attempts++ == 0)
		outward_event(guest->outward, "starting-guest", guest->conf->name,
			      guest->conf->config);
	guest->state = GUEST_STARTING;
	guest->created = clock_now();
	guests->starting = guest;
	guest_xl(guest, "create", guest->conf->config, NULL, CREATE_SECONDS, create_ended);
}

static void next_start(struct guests *guests)
{
	double now = clock_now();

	for (unsigned i = 0; i < guests->count && !guests->starting; i++) {
		struct guest *guest = &guests->items[i];

		if (guest->state != GUEST_WAITING)
			continue;
		if (guest->not_before <= now)
			guest_create(guest);
		else
			look_in(guests, guest->not_before - now);
	}
}

/* ---- down ---- */

static bool is_alive(const struct guest *guest)
{
	return guest->domain >= 0 || guest->state == GUEST_STARTING;
}

static void xl_ended(void *context, int status, const char *text)
{
	struct guest *guest = context;

	(void)status;
	(void)text;
	look_in(guest->all, 0);
}

static void survivors_destroy(struct guests *guests)
{
	guests->destroying = true;
	guests->deadline = clock_now() + DESTROY_SECONDS;
	guests->starting = NULL;
	for (unsigned i = 0; i < guests->count; i++) {
		struct guest *guest = &guests->items[i];

		if (!is_alive(guest))
			continue;
		guest->state = GUEST_UP;
		outward_event(guests->outward, "note", guest->conf->name,
			      "it did not end in time and is destroyed");
		guest_xl(guest, "destroy", guest->conf->name, NULL, DESTROY_SECONDS, xl_ended);
	}
}

static void down_check(struct guests *guests)
{
	bool any = false;

	for (unsigned i = 0; i < guests->count; i++)
		any = any || is_alive(&guests->items[i]);
	if (any && clock_now() >= guests->deadline && !guests->destroying)
		survivors_destroy(guests);
	if (any && clock_now() < guests->deadline) {
		look_in(guests, SOON_SECONDS * 2);
		return;
	}
	void (*on_down)(void *) = guests->on_down;
	guests->on_down = NULL;
	if (on_down)
		on_down(guests->context);
}

/* Once, as soon as the domain is known: one that xl has just created may become so only now. */
static void guest_ask_down(struct guest *guest)
{
	struct guests *guests = guest->all;
	double left = guests->deadline - clock_now();

	if (guest->domain < 0 || guest->asked_down || guests->destroying || left <= 0)
		return;
	/* Its own guests have to be gone well before its time is up. */
	bool told = guest->heard && outward_has_hello(guests->outward) &&
		    guest_down(guest, (unsigned)(left * 2 / 3 + 0.5));
	if (!told && guest->xl.running)
		return; /* xl create is at work on it */
	if (!told)
		guest_xl(guest, "shutdown", "-F", guest->conf->name, SHUTDOWN_SECONDS, xl_ended);
	guest->asked_down = true;
}

/* Nothing is to be lost in it yet. */
static bool is_booting(const struct guest *guest)
{
	return !guest->heard && !guest->silent && clock_now() - guest->created < BOOT_SECONDS;
}

static bool all_are_booting(const struct guests *guests)
{
	bool all = true;

	for (unsigned i = 0; i < guests->count; i++)
		all = all && (!is_alive(&guests->items[i]) || is_booting(&guests->items[i]));
	return all;
}

void guests_down(struct guests *guests, unsigned seconds, void (*on_down)(void *context),
		 void *context)
{
	if (seconds > BOOT_DOWN_SECONDS && all_are_booting(guests))
		seconds = BOOT_DOWN_SECONDS;
	guests->going_down = true;
	guests->on_down = on_down;
	guests->context = context;
	guests->deadline = clock_now() + seconds;
	for (unsigned i = 0; i < guests->count; i++) {
		struct guest *guest = &guests->items[i];

		if (guest->state == GUEST_WAITING)
			guest->state = GUEST_ENDED;
		guest_ask_down(guest);
	}
	timer_set(guests->loop, &guests->tick, 0);
}

/* ---- the tick ---- */

static void tick(void *context)
{
	struct guests *guests = context;

	if (!toolstack_is_ready(guests) && !guests->going_down) {
		look_in(guests, soon(guests));
		return;
	}
	for (unsigned i = 0; i < guests->count; i++)
		guest_refresh(&guests->items[i]);
	if (guests->going_down) {
		for (unsigned i = 0; i < guests->count; i++)
			guest_ask_down(&guests->items[i]);
		down_check(guests);
		return;
	}
	next_start(guests);
	look_in(guests, IDLE_SECONDS);
}

static void domains_changed(void *context)
{
	look_in(context, 0);
}

static void store_lost(void *context)
{
	struct guests *guests = context;

	guests->toolstack_ready = false;
	look_in(guests, LATER_SECONDS);
}

/* The domain may be on its way out: it takes a moment until it is gone. */
static void guest_hung_up(struct guest *guest)
{
	look_in(guest->all, soon(guest->all));
}

/* ---- set-up and the rest ---- */

struct guest *guests_find(struct guests *guests, const char *path_component)
{
	size_t length = strcspn(path_component, "/");

	for (unsigned i = 0; i < guests->count; i++) {
		const char *name = guests->items[i].conf->name;

		if (strlen(name) == length && strncmp(name, path_component, length) == 0)
			return &guests->items[i];
	}
	return NULL;
}

void guests_greet(struct guests *guests)
{
	for (unsigned i = 0; i < guests->count; i++) {
		guest_greet(&guests->items[i]);
		console_resume(&guests->items[i].console);
	}
}

void guests_resume(struct guests *guests)
{
	for (unsigned i = 0; i < guests->count; i++)
		guest_resume(&guests->items[i]);
}

void guests_init(struct guests *guests, struct loop *loop, const struct conf *conf,
		 struct outward *outward, const char *root)
{
	char folder[PATH_MAX];

	*guests = (struct guests){ .loop = loop, .conf = conf, .outward = outward, .root = root };
	guests->count = conf->guest_count;
	guests->began = clock_now();
	guests->tick = (struct timer){ .fire = tick, .context = guests };
	guests->store = (struct xenstore){ .on_domains = domains_changed,
					   .on_hangup = store_lost,
					   .context = guests };
	xenstore_init(&guests->store, loop);
	file_path(folder, sizeof folder, root, "%s", SOCKET_FOLDER);
	if (guests->count > 0)
		mkdir(folder, 0700);
	file_path(folder, sizeof folder, root, "%s", LOG_FOLDER);
	for (unsigned i = 0; i < guests->count; i++) {
		struct guest *guest = &guests->items[i];

		*guest = (struct guest){ .all = guests,
					 .conf = &conf->guests[i],
					 .outward = outward,
					 .domain = -1,
					 .xl = { .loop = loop },
					 .on_hangup = guest_hung_up };
		guest_init(guest, loop, folder);
	}
	if (guests->count > 0)
		timer_set(loop, &guests->tick, 0);
}

void guests_done(struct guests *guests)
{
	for (unsigned i = 0; i < guests->count; i++)
		guest_done(&guests->items[i]);
	timer_stop(guests->loop, &guests->tick);
	xenstore_done(&guests->store);
}
