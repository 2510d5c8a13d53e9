/* The course of an install. What each step does is its own file's matter. */
#include "pxe/install.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "base/fs.h"
#include "base/log.h"
#include "fetch/server.h"
#include "pxe/disk_data.h"
#include "pxe/disk_fit.h"
#include "pxe/disk_grow.h"
#include "pxe/disk_mark.h"
#include "pxe/disk_twin.h"
#include "pxe/image_write.h"
#include "pxe/patience.h"

#define COMMAND_LINE_BYTES (16u << 10)
#define TICKET_BYTES	   (64u << 10)
#define TICKET_PATIENCE	   300.0
#define ANY_DISK_PATIENCE  60.0 /* controllers take their time */
#define THE_DISK_PATIENCE  4.0	/* after others came */
#define SETTLE_PATIENCE	   60.0
#define EDGE_BYTES	   (UINT64_C(1) << 20)

struct install {
	const struct install_request *request;
	struct lab_call call;
	struct ticket ticket;
	struct machine_disks disks;
	const struct machine_disk *disk; /* of disks */
	char *path;			 /* to it */
	char owner[HASH_HEX_LENGTH + 1]; /* of its mark */
	struct report *report;
};

static void install_done(struct install *install)
{
	lab_call_done(&install->call);
	ticket_done(&install->ticket);
	machine_disks_done(&install->disks);
	report_cleanup(&install->report);
	free(install->path);
}

static int ticket_fetch(struct install *install, struct err *err)
{
	const struct fetch_server server = { "the lab's server", install->request->ca_path };
	CLEANUP(free_cleanup) char *url = lab_call_url(&install->call, "ticket");
	CLEANUP(free_cleanup) char *text = NULL;
	struct patience patience = patience_begin(TICKET_PATIENCE);
	int r;

	do
		r = fetch_server_get(&server, url, TICKET_BYTES, &text, err);
	while (r == -EAGAIN && patience_wait(&patience));
	if (r < 0)
		return err_wrap(err, r, "fetching the ticket");
	if (err)
		err_clear(err);
	return ticket_parse(text, &install->ticket, err);
}

static int disk_look(struct install *install, struct err *err)
{
	machine_disks_done(&install->disks);
	int r = machine_disks_read(install->request->sys, &install->disks, err);
	return r < 0 ? r
		     : machine_disk_choose(&install->disks, &install->ticket.disk,
					   install->ticket.image.disk_bytes, &install->disk, err);
}

/* "The only disk", or the one of some size, is said of all disks: the one that is there may be the
 * wrong one as long as a slower controller has not shown its own. A name means one whatever comes.
 */
static int disk_settle(struct install *install, struct err *err)
{
	double until = clock_seconds() + SETTLE_PATIENCE;

	while (clock_seconds() < until) {
		CLEANUP(free_cleanup) char *before = machine_disks_text(&install->disks);

		nanosleep(&(struct timespec){ install->request->settle_seconds, 0 }, NULL);
		int r = disk_look(install, err);
		CLEANUP(free_cleanup) char *after = machine_disks_text(&install->disks);
		if (r < 0 || str_equal(before, after))
			return r;
	}
	return err_set(err, -EBUSY, "the disks of this machine come and go");
}

static int disk_find(struct install *install, struct err *err)
{
	struct patience any = patience_begin(ANY_DISK_PATIENCE);
	struct patience the = patience_begin(THE_DISK_PATIENCE);
	int r;

	report_progress(install->report, 0, 0, "looking for the disk");
	do
		r = disk_look(install, err);
	while (r == -ENODEV && patience_wait(install->disks.count ? &the : &any));
	if (r < 0)
		return r;
	if (err)
		err_clear(err);
	return 0;
}

static int disk_choose(struct install *install, struct err *err)
{
	enum lab_disk_pick pick = install->ticket.disk.pick;
	int r = disk_find(install, err);

	if (r == 0 && (pick == LAB_DISK_ONLY || pick == LAB_DISK_SIZE))
		r = disk_settle(install, err);
	if (r < 0)
		return r;
	install->path = path_join(install->request->dev, install->disk->name);
	CLEANUP(free_cleanup) char *size = size_format(install->disk->size_bytes);
	report_say(install->report, "%s becomes %s (%s%s%s)", install->path,
		   install->ticket.machine, size, *install->disk->model ? ", " : "",
		   install->disk->model);
	r = disk_twin_check(&install->disks, install->disk, install->request->dev,
			    install->ticket.boot_uuid, err);
	if (r < 0)
		return r;
	r = disk_mark_owner(install->request->ca_path, install->ticket.machine, install->owner,
			    err);
	return r < 0 || install->ticket.disk.wipe
		       ? r
		       : disk_data_check(install->path, install->owner, err);
}

/* The end of a disk has what finds its way back: a GPT's second copy, superblocks of RAID. */
static int end_clear(int disk, uint64_t size, struct err *err)
{
	uint64_t length = size < EDGE_BYTES ? size : EDGE_BYTES;
	int r = fd_zero(disk, size - length, length);

	return r < 0 ? err_errno(err, -r, "the end of the disk cannot be cleared") : 0;
}

static int image_put(struct install *install, struct err *err)
{
	/* O_EXCL: not a disk that something is mounted from. */
	CLEANUP(fd_cleanup) int disk = open(install->path, O_RDWR | O_EXCL | O_CLOEXEC);

	if (disk < 0)
		return err_errno(err, errno, "%s: cannot be opened for writing", install->path);
	off_t size = lseek(disk, 0, SEEK_END);
	if (size < 0 || (uint64_t)size < install->ticket.image.disk_bytes)
		return err_set(err, -ENODEV, "%s: is smaller than the image", install->path);
	int r = end_clear(disk, (uint64_t)size, err);
	if (r == 0)
		r = image_write_from(&install->ticket, &install->call, install->request->ca_path,
				     disk, install->report, err);
	return r < 0 ? err_wrap(err, r, "writing %s", install->path) : 0;
}

static int image_fit(struct install *install, struct err *err)
{
	CLEANUP(free_cleanup) char *said = NULL;
	CLEANUP(free_cleanup) char *name = str_format("/dev/%s", install->disk->name);
	CLEANUP(free_cleanup) char *efi = path_join(install->request->sys, "firmware/efi");
	const struct disk_fit fit = {
		.path = install->path,
		.name = name,
		.drivers = install->disk->drivers.count ? &install->disk->drivers : NULL,
		.ticket = &install->ticket,
		.uefi = path_exists(efi),
	};

	report_progress(install->report, install->ticket.image.stream_bytes,
			install->ticket.image.stream_bytes, "fitting the system to its disk");
	int r = disk_grow(install->path, &said, err);
	if (r < 0)
		return r;
	report_say(install->report, "%s", said);
	return disk_fit(&fit, install->report, err);
}

/* A disk that is not fit to boot shall not, nor stand in the way of the next try. */
static void head_clear(const char *path)
{
	CLEANUP(fd_cleanup) int disk = open(path, O_RDWR | O_CLOEXEC);

	if (disk < 0 || fd_zero(disk, 0, EDGE_BYTES) < 0 || fsync(disk) < 0)
		log_warn("%s: its partition table cannot be cleared", path);
}

static int disk_sync(const char *path, struct err *err)
{
	CLEANUP(fd_cleanup) int disk = open(path, O_RDWR | O_CLOEXEC);

	if (disk < 0 || fsync(disk) < 0)
		return err_errno(err, errno, "%s: cannot be synced", path);
	return 0;
}

static int disk_make(struct install *install, struct err *err)
{
	int r = image_put(install, err);

	if (r < 0)
		return r;
	r = image_fit(install, err);
	if (r == 0)
		r = disk_sync(install->path, err);
	if (r < 0)
		head_clear(install->path);
	return r;
}

/* The server knows. Should the mark stay, the first boot makes it worthless. */
static void install_finished(const struct install *install)
{
	CLEANUP(err_clear) struct err failure = { 0 };

	if (disk_mark_clear(install->path, install->owner, &failure) < 0)
		log_warn("%s", failure.text);
}

static int install_run(struct install *install, struct err *err)
{
	int r = ticket_fetch(install, err);

	if (r == 0)
		r = disk_choose(install, err);
	if (r == 0)
		r = disk_make(install, err);
	if (r < 0) {
		if (report_failed(install->report, err->text, NULL) < 0)
			report_say(install->report, "the lab's server could not be told");
		return r;
	}
	report_say(install->report, "%s is installed", install->ticket.machine);
	r = report_installed(install->report, err);
	if (r == 0)
		install_finished(install);
	return r;
}

int netboot_install(const struct install_request *request, struct err *err)
{
	CLEANUP(install_done) struct install install = { .request = request };
	CLEANUP(err_clear) struct err failure = { 0 };
	CLEANUP(free_cleanup) char *line = NULL;
	int r = file_read(request->command_line, COMMAND_LINE_BYTES, &line, NULL, err);

	if (r == 0)
		r = lab_call_parse(line, &install.call, err);
	if (r < 0)
		return r;
	install.report = report_new(&install.call, request->ca_path);
	r = install_run(&install, &failure);
	return r < 0 ? err_set(err, r, "%s", failure.text) : 0;
}
