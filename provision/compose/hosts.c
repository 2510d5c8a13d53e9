#include "compose/hosts.h"

#include "guest/xl.h"
#include "image/nested.h"

struct hosts {
	struct hosts *outer; /* NULL for the outermost */
	struct image *image; /* owned where there is an outer one */
	struct volumes *volumes;
};

char *host_guest_folder(const struct layer *guest)
{
	return str_format("%s/%s", GUEST_IMAGES_FOLDER, guest->name);
}

char *host_guest_disk(const struct layer *guest)
{
	return str_format("%s/%s/disk0.raw", GUEST_IMAGES_FOLDER, guest->name);
}

static void hosts_free(struct hosts *hosts)
{
	if (!hosts)
		return;
	volumes_free(hosts->volumes);
	if (hosts->outer)
		image_close(hosts->image);
	hosts_free(hosts->outer);
	free(hosts);
}

void hosts_cleanup(struct hosts **hosts)
{
	hosts_free(*hosts);
}

static int disk_open(struct hosts *hosts, struct image *outermost, const struct layer *host,
		     struct err *err)
{
	CLEANUP(free_cleanup) char *path = host_guest_disk(host);
	const char *below;

	if (!hosts->outer) {
		hosts->image = outermost;
		return 0;
	}
	struct fsys *fsys = volumes_resolve(hosts->outer->volumes, path, &below);
	return nested_open(fsys, below, &hosts->image, err);
}

int hosts_open(struct image *image, const struct layer *host, struct hosts **ret_hosts,
	       struct err *err)
{
	CLEANUP(hosts_cleanup) struct hosts *hosts = mem_alloc(sizeof *hosts);
	int r = host->outer ? hosts_open(image, host->outer, &hosts->outer, err) : 0;

	if (r == 0)
		r = disk_open(hosts, image, host, err);
	if (r == 0)
		r = volumes_open(hosts->image, host, &hosts->volumes, err);
	if (r < 0)
		return r;
	*ret_hosts = take(&hosts);
	return 0;
}

struct volumes *hosts_volumes(struct hosts *hosts)
{
	return hosts->volumes;
}

int hosts_close(struct hosts *hosts, struct err *err)
{
	CLEANUP(hosts_cleanup) struct hosts *owned = hosts;

	for (struct hosts *host = owned; host; host = host->outer) {
		int r = volumes_close(host->volumes, err);

		if (r == 0 && host->outer)
			r = image_finish(take(&host->image), err);
		if (r < 0)
			return r;
	}
	return 0;
}
