#include "install/boot_files.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "install/answer.h"
#include "media/medium.h"

/* The last console is the one that the installer speaks on. */
#define CONSOLES "console=tty0 console=ttyS0,115200n8"

/* A version that is no number ("testing") says nothing. */
static bool is_of_version(const struct medium *medium, const struct answers_release *release)
{
	size_t digits = strspn(medium->version, "0123456789");

	return !release || !release->major || digits == 0 ||
	       (digits == strlen(release->major) && str_starts(medium->version, release->major));
}

/* Bytes of the longest of the names that the product begins with. */
static size_t name_fits(const char *const *names, const char *product)
{
	size_t longest = 0;

	for (; names && *names; names++)
		if (str_starts(product, *names) && strlen(*names) > longest)
			longest = strlen(*names);
	return longest;
}

/* Bytes of the medium's product by which it is the release's; 0: it is none of its. */
static size_t product_fits(const struct medium *medium, const struct answers_release *release)
{
	size_t longest = name_fits(release->products, medium->product);

	return name_fits(release->unlike, medium->product) > longest ? 0 : longest;
}

/* Not if it is plainly another release's: Leap and SLES count their versions alike. A product of no
 * release here, such as Red Hat's own, may be near enough to the one that the profile names. */
static bool is_of_product(const struct medium *medium, const struct answers_format *format,
			  const struct answers_release *release)
{
	const struct answers_release *other;

	for (size_t i = 0; release && (other = format->release(i)); i++)
		if (product_fits(medium, other) > product_fits(medium, release))
			return false;
	return true;
}

int install_medium_check(const struct layer *layer, const struct medium *medium, struct err *err)
{
	const struct answers_format *format = answers_format_of(layer->os_family);
	const struct answers_release *release = answers_release_of(format, layer);

	if (medium->family != layer->os_family)
		return err_set(err, -EBADMSG,
			       "%s: is a medium of %s %s (os.family %s), but %s has os.family %s: "
			       "name another medium, or correct the profile",
			       medium->path, medium->product, medium->version,
			       os_family_name(medium->family), layer->name,
			       os_family_name(layer->os_family));
	if (is_of_version(medium, release) && is_of_product(medium, format, release))
		return 0;
	return err_set(err, -EBADMSG,
		       "%s: is a medium of %s %s, but %s has os.release %s (%s): name another "
		       "medium, or correct the profile",
		       medium->path, medium->product, medium->version, layer->name, layer->release,
		       release->title);
}

int install_medium_bring(const struct layer *layer, const char *folder, bool offline,
			 char **ret_path, struct err *err)
{
	CLEANUP(free_cleanup) char *path = NULL;
	CLEANUP(medium_cleanup) struct medium *medium = NULL;
	int r = medium_fetch(&layer->install, folder, offline, &path, err);

	if (r == 0)
		r = medium_open(path, &medium, err);
	if (r == 0)
		r = install_medium_check(layer, medium, err);
	if (r == 0)
		*ret_path = take(&path);
	return r;
}

/* The kernel, and the initrd as it is on the medium, in the folder. */
static int installer_extract(const struct medium *medium, const char *folder,
			     struct boot_files *files, char **ret_initrd, struct err *err)
{
	CLEANUP(free_cleanup) char *kernel = path_join(folder, "kernel");
	CLEANUP(free_cleanup) char *initrd = path_join(folder, "initrd.medium");
	int r = medium_extract(medium, medium->kernel, kernel, err);

	if (r == 0)
		r = medium_extract(medium, medium->initrd, initrd, err);
	if (r < 0)
		return r;
	/* A folder or a netboot archive: its installer gets the rest over the network. */
	files->medium = medium->is_image ? str_copy(medium->path) : NULL;
	files->kernel = take(&kernel);
	*ret_initrd = take(&initrd);
	return 0;
}

/* The answers go into the initrd, or to a disk that the installer looks for. */
static int linux_files_make(const struct install_request *request, const struct medium *medium,
			    const struct answers_format *format, const struct medium_file *answers,
			    const char *folder, struct boot_files *files, struct err *err)
{
	const char *own = request->layer->install.kernel_args;
	CLEANUP(free_cleanup) char *initrd = NULL;
	int r = installer_extract(medium, folder, files, &initrd, err);

	if (r < 0)
		return r;
	files->arguments =
		str_format("%s%s" CONSOLES "%s%s", format->initrd_args ? format->initrd_args : "",
			   format->initrd_args ? " " : "", *own ? " " : "", own);
	if (format->initrd_args) {
		files->initrd = path_join(folder, "initrd");
		return initrd_append(initrd, answers, 1, files->initrd, err);
	}
	files->initrd = take(&initrd);
	files->answer_disk = path_join(folder, "answers.img");
	return answer_disk_make(files->answer_disk, format->volume_label, answers, 1, err);
}

static int files_make(const struct install_request *request, const char *folder,
		      struct boot_files *files, struct err *err)
{
	const struct answers_format *format = NULL;
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(medium_cleanup) struct medium *medium = NULL;
	int r = medium_open(request->medium, &medium, err);

	if (r == 0)
		r = answer_make(request->stack_name, request->layer, &format, &text, err);
	if (r < 0)
		return r;
	assert(format && text && medium);
	const struct medium_file answers = { format->file_name, text, strlen(text), 0600 };
	if (*medium->initrd)
		return linux_files_make(request, medium, format, &answers, folder, files, err);
	files->medium = path_join(folder, "medium.iso");
	return esxi_medium_make(medium, &answers, request->layer->install.kernel_args,
				files->medium, err);
}

int boot_files_make(const struct install_request *request, const char *folder,
		    struct boot_files *ret_files, struct err *err)
{
	*ret_files = (struct boot_files){ 0 };
	int r = dir_make(folder, 0700, err);

	return r < 0 ? r : files_make(request, folder, ret_files, err);
}

void boot_files_done(struct boot_files *files)
{
	free(files->medium);
	free(files->answer_disk);
	free(files->kernel);
	free(files->initrd);
	free(files->arguments);
	*files = (struct boot_files){ 0 };
}
