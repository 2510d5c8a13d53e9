/* What the library offers and no verb does: initrds, answer disks, ESXi media, fetching. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "fetch/url.h"
#include "media/medium.h"

#define FILES_MAX      8
#define FILE_MAX_BYTES ((size_t)64 << 20)

struct inputs {
	struct medium_file files[FILES_MAX];
	char *data[FILES_MAX];
};

static void inputs_cleanup(struct inputs *inputs)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		free(inputs->data[i]);
}

static int files_read(char **paths, int count, struct inputs *inputs, struct err *err)
{
	for (int i = 0; i < count && i < FILES_MAX; i++) {
		struct medium_file *file = &inputs->files[i];
		int r = file_read(paths[i], FILE_MAX_BYTES, &inputs->data[i], &file->length, err);

		if (r < 0)
			return r;
		file->name = path_name(paths[i]);
		file->data = inputs->data[i];
		file->mode = 0600;
	}
	return 0;
}

static int run_initrd(int argc, char **argv, struct err *err)
{
	CLEANUP(inputs_cleanup) struct inputs inputs = { 0 };
	int r = files_read(argv + 2, argc - 2, &inputs, err);

	return r < 0 ? r : initrd_append(argv[0], inputs.files, (size_t)argc - 2, argv[1], err);
}

static int run_named(int argc, char **argv, struct err *err)
{
	const struct medium_file file = { argv[2], "x", 1, 0644 };

	(void)argc;
	return initrd_append(argv[0], &file, 1, argv[1], err);
}

static int run_disk(int argc, char **argv, struct err *err)
{
	CLEANUP(inputs_cleanup) struct inputs inputs = { 0 };
	int r = files_read(argv + 2, argc - 2, &inputs, err);

	return r < 0 ? r : answer_disk_make(argv[0], argv[1], inputs.files, (size_t)argc - 2, err);
}

static int run_esxi(int argc, char **argv, struct err *err)
{
	CLEANUP(medium_cleanup) struct medium *medium = NULL;
	CLEANUP(inputs_cleanup) struct inputs inputs = { 0 };
	int r = medium_open(argv[0], &medium, err);

	if (r == 0)
		r = files_read(argv + 2, 1, &inputs, err);
	return r < 0 ? r
		     : esxi_medium_make(medium, &inputs.files[0], argc > 3 ? argv[3] : "", argv[1],
					err);
}

static int run_url(int argc, char **argv, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	(void)argc;
	return fetch_url_to(argv[0], fd, strtoull(argv[2], NULL, 10), err);
}

static int run_fetch(int argc, char **argv, struct err *err)
{
	const struct install_spec install = { .medium = argv[0], .sha256 = argv[1] };
	CLEANUP(free_cleanup) char *path = NULL;

	(void)argc;
	spawn_stop_fd();
	int r = medium_fetch(&install, argv[2], false, &path, err);

	if (r == 0)
		puts(path);
	return r;
}

static const struct job {
	const char *name, *usage;
	int operands; /* at least */
	int (*run)(int argc, char **argv, struct err *err);
} jobs[] = {
	{ "initrd", "INITRD TO FILE...", 3, run_initrd },
	{ "named", "INITRD TO NAME", 3, run_named },
	{ "disk", "TO LABEL FILE...", 3, run_disk },
	{ "esxi", "MEDIUM TO KS.CFG [KERNEL_ARGS]", 3, run_esxi },
	{ "fetch", "MEDIUM SHA256 FOLDER", 3, run_fetch },
	{ "url", "URL FILE MAX_BYTES", 3, run_url },
};

int main(int argc, char **argv)
{
	struct err err = { 0 };

	for (size_t i = 0; argc > 1 && i < sizeof jobs / sizeof *jobs; i++) {
		if (strcmp(argv[1], jobs[i].name) != 0 || argc - 2 < jobs[i].operands)
			continue;
		if (jobs[i].run(argc - 2, argv + 2, &err) == 0)
			return 0;
		fprintf(stderr, "maker: %s\n", err.text);
		int status = err_exit_status(&err);
		err_clear(&err);
		return status;
	}
	for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
		fprintf(stderr, "maker %s %s\n", jobs[i].name, jobs[i].usage);
	return 2;
}
