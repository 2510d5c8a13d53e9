/* The images of a lab on their own: pxe-images LAB OUT STORE. Prints "MACHINE DISK STREAM SHA256"
 * of each image and, last, the base tree of the netboot system.
 */
#include <inttypes.h>
#include <stdio.h>

#include "pxe/images.h"

static int run(char **argv, struct err *err)
{
	CLEANUP(lab_cleanup) struct lab *lab = NULL;
	CLEANUP(store_cleanup) struct store *store = NULL;
	CLEANUP(lab_images_cleanup) struct lab_images *images = NULL;
	const char *tree = NULL;
	int r = lab_load(argv[1], &lab, err);

	if (r == 0)
		r = store_open(argv[3], &store, err);
	if (r < 0)
		return r;
	const struct lab_images_request request = { .lab = lab, .out = argv[2], .store = store };
	r = lab_images_make(&request, &images, err);
	for (size_t i = 0; r == 0 && i < lab->machine_count; i++) {
		const struct stream_facts *facts = lab_image_facts(images, &lab->machines[i]);

		if (!facts)
			continue;
		printf("%s %" PRIu64 " %" PRIu64 " %s\n", lab->machines[i].name, facts->disk_bytes,
		       facts->stream_bytes, facts->sha256);
		CLEANUP(fd_cleanup) int fd = lab_image_open(images, &lab->machines[i], err);
		r = fd < 0 ? fd : 0;
	}
	if (r == 0)
		r = lab_images_tree(images, &tree, err);
	if (r == 0)
		puts(tree ? tree : "no tree");
	return r;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };

	if (argc != 4) {
		fputs("Usage: pxe-images LAB OUT STORE\n", stderr);
		return 2;
	}
	if (run(argv, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return err_exit_status(&err);
}
