#include "cmd/pxe.h"

#include <errno.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "base/url_text.h"
#include "cmd/operation.h"
#include "pxe/install.h"
#include "pxe/netboot.h"
#include "pxe/render.h"
#include "pxe/serve.h"
#include "pxe/status_view.h"
#include "run/folder.h"

static const struct option_row options[] = {
	{ "out", 'o', "DIR", "serve, render: where labs are built (default: out)" },
	{ "store", 0, "DIR", "serve, render: the store (default: ~/.cache/nestctl)" },
	{ "accel", 0, "HOW", "serve, render: of installers that run here: auto, tcg or kvm" },
	{ "offline", 0, NULL, "serve, render: fetch nothing: build from the store alone" },
	{ "keep", 'k', NULL, "serve: go on after every machine is proven" },
	{ "watch", 'w', NULL, "status: again whenever something changes, until all are proven" },
	{ "json", 0, NULL, "status: for programs" },
	{ "command-line", 0, "FILE",
	  "install: the kernel's command line (default: /proc/cmdline)" },
	{ "ca", 0, "FILE",
	  "install, netboot: certificate of the lab (install: default /etc/nestctl/ca.pem)" },
	{ "sys", 0, "DIR", "install: where the kernel tells of its disks (default: /sys)" },
	{ "dev", 0, "DIR", "install: where these disks are (default: /dev)" },
	{ "settle", 0, "SECONDS", "install: in which no disk may come or go (default: 5)" },
	{ NULL, 0, NULL, NULL },
};

/* The lab of the first operand, its folder and the store. */
struct lab_request { /* zeroed; lab_request_done it */
	struct lab *lab;
	struct store *store;
	char *folder;
};

static int lab_request_load(const struct arguments *arguments, struct lab_request *request,
			    struct err *err)
{
	const char *out = argument(arguments, "out");
	int r = lab_load(arguments->rest[1], &request->lab, err);

	if (r == 0)
		r = store_open(argument(arguments, "store"), &request->store, err);
	if (r == 0)
		request->folder = path_join(out ? out : FOLDER_DEFAULT_OUT, request->lab->name);
	return r;
}

static void lab_request_done(struct lab_request *request)
{
	lab_free(request->lab);
	store_close(request->store);
	free(request->folder);
}

static int run_serve(const struct arguments *arguments, struct err *err)
{
	CLEANUP(lab_request_done) struct lab_request request = { 0 };
	int r = lab_request_load(arguments, &request, err);

	if (r < 0)
		return r;
	spawn_stop_fd(); /* from here on a signal asks, and we clean up */
	const struct serve_request serve = {
		.lab = request.lab,
		.store = request.store,
		.out = request.folder,
		.accel = argument(arguments, "accel"),
		.offline = argument_given(arguments, "offline"),
		.keep = argument_given(arguments, "keep"),
	};
	return pxe_serve(&serve, err);
}

static int run_render(const struct arguments *arguments, struct err *err)
{
	CLEANUP(lab_request_done) struct lab_request request = { 0 };
	CLEANUP(lab_images_cleanup) struct lab_images *images = NULL;
	int r = lab_request_load(arguments, &request, err);

	if (r == 0)
		r = pxe_render_check(request.lab, arguments->rest[2], err);
	if (r < 0)
		return r;
	spawn_stop_fd();
	const struct lab_images_request make = {
		.lab = request.lab,
		.store = request.store,
		.out = request.folder,
		.accel = argument(arguments, "accel"),
		.offline = argument_given(arguments, "offline"),
	};
	r = lab_images_make(&make, &images, err);
	const struct render_request render = {
		.lab = request.lab,
		.images = images,
		.folder = arguments->rest[2],
		.offline = make.offline,
	};
	return r < 0 ? r : pxe_render(&render, err);
}

static int run_status(const struct arguments *arguments, struct err *err)
{
	const char *what = arguments->rest[1];
	CLEANUP(lab_cleanup) struct lab *lab = NULL;
	int r = is_url(what) ? 0 : lab_load(what, &lab, err);

	if (r < 0)
		return r;
	const struct pxe_status_options status = {
		.lab = lab,
		.url = lab ? NULL : what,
		.json = argument_given(arguments, "json"),
		.watch = argument_given(arguments, "watch"),
	};
	return pxe_status(&status, err);
}

static const char *or_else(const char *value, const char *otherwise)
{
	return value ? value : otherwise;
}

static int run_install(const struct arguments *arguments, struct err *err)
{
	struct install_request request = {
		.command_line = or_else(argument(arguments, "command-line"), "/proc/cmdline"),
		.ca_path = or_else(argument(arguments, "ca"), "/etc/nestctl/ca.pem"),
		.sys = or_else(argument(arguments, "sys"), "/sys"),
		.dev = or_else(argument(arguments, "dev"), "/dev"),
		.settle_seconds = 5,
	};
	int r = argument_number(arguments, "settle", 0, 60, &request.settle_seconds, err);

	return r < 0 ? r : netboot_install(&request, err);
}

#define CA_MAX_BYTES (64u << 10)

static int run_netboot(const struct arguments *arguments, struct err *err)
{
	CLEANUP(free_cleanup) char *ca = NULL;

	if (!argument(arguments, "ca"))
		return err_set(err, -EINVAL, "pxe netboot: name the lab's certificate with --ca");
	int r = file_read(argument(arguments, "ca"), CA_MAX_BYTES, &ca, NULL, err);
	return r < 0 ? r : netboot_make(arguments->rest[1], ca, arguments->rest[2], err);
}

#define BUILD_OPTIONS "[--out DIR] [--store DIR] [--accel HOW] [--offline]"

static const struct operation operations[] = {
	{ "serve", "serve LAB " BUILD_OPTIONS " [--keep]", 1, 1, run_serve },
	{ "render", "render LAB DIR " BUILD_OPTIONS, 2, 2, run_render },
	{ "status", "status LAB|URL [--watch] [--json]", 1, 1, run_status },
	{ "install",
	  "install [--command-line FILE] [--ca FILE] [--sys DIR] [--dev DIR] [--settle SECONDS]", 0,
	  0, run_install },
	{ "netboot", "netboot TREE DIR --ca FILE", 2, 2, run_netboot },
	{ 0 },
};

static int pxe_run(const struct arguments *arguments, struct err *err)
{
	return operation_run("pxe", operations, arguments, err);
}

const struct command pxe_command = {
	.name = "pxe",
	.synopsis =
		"serve LAB | render LAB DIR | status LAB|URL | install | netboot TREE DIR [OPTIONS]",
	.summary = "Installs and proves a lab of machines over the network",
	.options = options,
	.min_rest = 1,
	.max_rest = 3,
	.run = pxe_run,
};
