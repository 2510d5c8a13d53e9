#include "pxe/vendor.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "answers/answers.h"
#include "base/data.h"
#include "base/fs.h"
#include "install/install.h"
#include "pxe/vendor_esxi.h"
#include "pxe/vendor_media.h"

#define SCRIPT "setup" /* name of what an installer fetches at its end */

struct answers_tokens {
	const char *own, *agent;
};

struct place { /* of a machine of way answers */
	const struct lab_machine *machine;
	const struct vendor_medium *medium;
	const struct answers_format *format;
	struct vendor_esxi esxi;
};

struct vendor {
	struct vendor_request request;
	struct place *places;
	size_t place_count;
	struct vendor_medium **media; /* owned; machines may share one */
	size_t media_count;
	char *agent;
	size_t agent_length;
};

static const struct layer *l1_of(const struct lab_machine *machine)
{
	return machine->stack->layers[0];
}

static const struct place *place_of(const struct vendor *vendor, const struct lab_machine *machine)
{
	for (size_t i = 0; i < vendor->place_count; i++)
		if (vendor->places[i].machine == machine)
			return &vendor->places[i];
	return NULL;
}

static char *answers_url(const struct vendor *vendor, const char *token, const char *name)
{
	return str_format("http://%s:%u/%s/%s", vendor->request.address,
			  vendor->request.lab->ports.answers, token, name);
}

static char *repository_url(const struct vendor *vendor, const struct lab_machine *machine)
{
	return str_format("http://%s:%u/media/%s", vendor->request.address,
			  vendor->request.lab->ports.boot, machine->name);
}

/* --- what is started -------------------------------------------------------------------------- */

/* The answer files speak of eth0. Sources: Debian's installation guide, "Automating the
 * installation using preseeding"; linuxrc of openSUSE; the Anaconda boot options. */
static char *linux_arguments(const struct vendor *vendor, const struct place *place,
			     const char *token)
{
	const struct layer *l1 = l1_of(place->machine);
	CLEANUP(free_cleanup) char *answers = answers_url(vendor, token, place->format->file_name);
	CLEANUP(free_cleanup) char *repository = repository_url(vendor, place->machine);

	switch (l1->os_family) {
	case OS_DEBIAN:
		/* The network comes up before there are answers: in a lab without a name server
		 * or a gateway nobody is to be asked for one. */
		return str_format("auto=true priority=critical interface=auto net.ifnames=0 "
				  "netcfg/get_nameservers= netcfg/no_default_route=true "
				  "hostname=%s url=%s",
				  l1->host_name, answers);
	case OS_SUSE:
		return str_format("autoyast=%s install=%s textmode=1 net.ifnames=0", answers,
				  repository);
	default: /* Red Hat; the others were refused, or are no Linux */
		return str_format("inst.ks=%s inst.repo=%s inst.text net.ifnames=0", answers,
				  repository);
	}
}

static char *esxi_arguments(const struct vendor *vendor, const struct place *place, bool uefi,
			    const char *token)
{
	CLEANUP(free_cleanup) char *answers = answers_url(vendor, token, place->format->file_name);
	CLEANUP(free_cleanup) char *repository = repository_url(vendor, place->machine);

	return str_format("-c %s/%s ks=%s", repository,
			  uefi ? VENDOR_ESXI_UEFI_CONFIG : VENDOR_ESXI_BIOS_CONFIG, answers);
}

/* ret_boot as vendor_boot makes it; of a place that is not ready yet, too. */
static void boot_fill(const struct vendor *vendor, const struct place *place,
		      enum firmware firmware, const char *token, struct vendor_boot *ret_boot)
{
	const struct medium *medium = place->medium->medium;
	const char *own = l1_of(place->machine)->install.kernel_args;
	bool esxi = medium->family == OS_ESXI;
	bool uefi = firmware == FIRMWARE_UEFI && place->esxi.uefi;
	const char *kernel = !esxi ? medium->kernel : uefi ? place->esxi.uefi : place->esxi.bios;
	CLEANUP(free_cleanup)
	char *arguments = esxi ? esxi_arguments(vendor, place, uefi, token)
			       : linux_arguments(vendor, place, token);

	ret_boot->kernel = str_format("/media/%s/%s", place->machine->name, kernel);
	ret_boot->initrd =
		esxi ? NULL : str_format("/media/%s/%s", place->machine->name, medium->initrd);
	ret_boot->arguments = str_format("%s%s%s", arguments, *own ? " " : "", own);
	ret_boot->files = (struct boot_files){ .kernel = ret_boot->kernel,
					       .initrd = ret_boot->initrd,
					       .arguments = ret_boot->arguments,
					       .program = esxi };
}

void vendor_boot(const struct vendor *vendor, const struct lab_machine *machine,
		 enum firmware firmware, const char *token, struct vendor_boot *ret_boot)
{
	const struct place *place = place_of(vendor, machine);

	assert(place && place->medium);
	boot_fill(vendor, place, firmware, token, ret_boot);
}

void vendor_boot_done(struct vendor_boot *boot)
{
	free(boot->kernel);
	free(boot->initrd);
	free(boot->arguments);
	*boot = (struct vendor_boot){ 0 };
}

/* --- answers ---------------------------------------------------------------------------------- */

/* The format's file, then the script that its installer fetches at its end, if it does; NULL. */
static const char *place_file(const struct place *place, size_t index)
{
	const char *const names[] = { place->format->file_name,
				      place->format->script ? SCRIPT : NULL };

	return index < sizeof names / sizeof *names ? names[index] : NULL;
}

static int answers_make(const struct vendor *vendor, const struct place *place, size_t index,
			const struct answers_tokens *tokens, char **ret_text, struct err *err)
{
	CLEANUP(free_cleanup) char *script_url = answers_url(vendor, tokens->own, SCRIPT);
	CLEANUP(free_cleanup) char *done = answers_url(vendor, tokens->own, "done");
	CLEANUP(free_cleanup) char *repository = repository_url(vendor, place->machine);
	CLEANUP(free_cleanup)
	char *agent = str_format("%s:%u %s", vendor->request.address,
				 vendor->request.lab->ports.agents, tokens->agent);
	const struct answers_network network = { script_url, done, repository, agent };
	const struct answers_request request = { .layer = l1_of(place->machine),
						 .stack_name = place->machine->stack->name,
						 .agent = vendor->agent,
						 .agent_length = vendor->agent_length,
						 .network = &network };

	return (index == 0 ? place->format->emit : place->format->script)(&request, ret_text, err);
}

const char *vendor_answer_name(const struct vendor *vendor, const struct lab_machine *machine,
			       size_t index)
{
	const struct place *place = place_of(vendor, machine);

	return place ? place_file(place, index) : NULL;
}

int vendor_answer(const struct vendor *vendor, const struct lab_machine *machine, const char *name,
		  const char *token, const char *agent_token, char **ret_text, struct err *err)
{
	const struct place *place = place_of(vendor, machine);
	const struct answers_tokens tokens = { token, agent_token };

	for (size_t i = 0; place && place_file(place, i); i++)
		if (str_equal(name, place_file(place, i)))
			return answers_make(vendor, place, i, &tokens, ret_text, err);
	return err_set(err, -ENOENT, "%s has no answer file of that name", machine->name);
}

/* --- public files ------------------------------------------------------------------------------
 */

static int text_file(const char *text, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = memfd_create("boot.cfg", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? err_errno(err, -r, "a file in memory cannot be made") : fd_take(&fd);
}

int vendor_file(const struct vendor *vendor, const char *path, struct err *err)
{
	const char *slash = strchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	for (size_t i = 0; length > 0 && i < vendor->place_count; i++) {
		const struct place *place = &vendor->places[i];
		const char *name = slash + 1;

		if (strlen(place->machine->name) != length ||
		    memcmp(place->machine->name, path, length) != 0)
			continue;
		if (place->esxi.bios_config && str_equal(name, VENDOR_ESXI_BIOS_CONFIG))
			return text_file(place->esxi.bios_config, err);
		if (place->esxi.uefi_config && str_equal(name, VENDOR_ESXI_UEFI_CONFIG))
			return text_file(place->esxi.uefi_config, err);
		return vendor_medium_file(place->medium, name, err);
	}
	return err_set(err, -ENOENT, "no machine of that name has a medium");
}

const char *vendor_root(const struct vendor *vendor, const struct lab_machine *machine)
{
	const struct place *place = place_of(vendor, machine);

	return place ? place->medium->root : NULL;
}

/* --- opening -----------------------------------------------------------------------------------
 */

static int check_family(const struct lab_machine *machine, struct err *err)
{
	const struct layer *l1 = l1_of(machine);

	if (l1->os_family == OS_XCPNG || l1->os_family == OS_PROXMOX)
		return err_set(err, -EINVAL,
			       "way: found answers; the installer of %s cannot be started over the "
			       "network: allowed are the families debian, suse, redhat and esxi",
			       os_family_name(l1->os_family));
	if (!layer_is_installed(l1))
		return err_set(
			err, -EINVAL,
			"way: found answers; allowed for %s, which has no install.medium, is "
			"image",
			l1->name);
	return 0;
}

/* Every installer takes the first disk, whatever is on it. */
static int check_disk(const struct lab_machine *machine, struct err *err)
{
	if (machine->disk.pick != LAB_DISK_ONLY)
		return err_set(err, -EINVAL,
			       "disk: a vendor's installer takes the machine's first disk: allowed "
			       "with way answers is the only one");
	if (!machine->disk.wipe)
		return err_set(err, -EINVAL,
			       "disk.wipe: a vendor's installer does not look what is on the disk: "
			       "allowed with way answers is true");
	return 0;
}

/* The installer on Debian's CD images looks for a CD. */
static int check_medium(const struct vendor_medium *medium, struct err *err)
{
	const char *kernel = medium->medium->kernel;

	if (medium->medium->family != OS_DEBIAN ||
	    (!str_starts(kernel, "install") && !str_starts(kernel, "casper")))
		return 0;
	return err_set(err, -EINVAL,
		       "%s: its installer works from a CD only: take Debian's netboot.tar.gz, or "
		       "the folder of debian-installer-NN-netboot-amd64",
		       medium->path);
}

/* Fetched, checked and unpacked. */
static int medium_bring(const struct vendor *vendor, const struct layer *l1,
			struct vendor_medium **ret_medium, struct err *err)
{
	const struct vendor_request *request = &vendor->request;
	CLEANUP(vendor_medium_cleanup) struct vendor_medium *medium = NULL;
	CLEANUP(free_cleanup) char *downloads = path_join(request->folder, "downloads");
	CLEANUP(free_cleanup) char *folder = path_join(request->folder, "media");
	CLEANUP(free_cleanup) char *path = NULL;
	int r = install_medium_bring(l1, downloads, request->offline, &path, err);

	if (r == 0)
		r = vendor_medium_open(l1->install.medium, path, folder, &medium, err);
	if (r == 0)
		r = check_medium(medium, err);
	if (r == 0)
		*ret_medium = take(&medium);
	return r;
}

/* A hundred machines of one profile have one medium. */
static int medium_share(struct vendor *vendor, const struct layer *l1,
			const struct vendor_medium **ret_medium, struct err *err)
{
	struct vendor_medium *medium = NULL;

	for (size_t i = 0; i < vendor->media_count; i++)
		if (str_equal(vendor->media[i]->wanted, l1->install.medium) &&
		    vendor->media[i]->medium->family == l1->os_family) {
			*ret_medium = vendor->media[i];
			return 0;
		}
	int r = medium_bring(vendor, l1, &medium, err);
	if (r < 0 || !medium)
		return r;
	vendor->media = mem_grow(vendor->media, vendor->media_count + 1, sizeof *vendor->media);
	*ret_medium = vendor->media[vendor->media_count++] = medium;
	return 0;
}

/* What a machine would be given is given once, so that what is wrong is said at the start. */
static int try_out(const struct vendor *vendor, const struct place *place, struct err *err)
{
	CLEANUP(vendor_boot_done) struct vendor_boot boot = { 0 };
	CLEANUP(free_cleanup) char *boot_script = NULL;
	char token[TOKEN_LENGTH + 1];

	token_make(token);
	boot_fill(vendor, place, FIRMWARE_BIOS, token, &boot);
	int r = boot_text(BOOT_IPXE, vendor->request.address, FIRMWARE_BIOS, &boot.files,
			  &boot_script, err);
	for (size_t i = 0; r == 0 && place_file(place, i); i++) {
		CLEANUP(free_cleanup) char *text = NULL;

		r = answers_make(vendor, place, i, &(struct answers_tokens){ token, token }, &text,
				 err);
	}
	return r;
}

static int place_open(struct vendor *vendor, struct place *place, struct err *err)
{
	const struct layer *l1 = l1_of(place->machine);
	CLEANUP(free_cleanup) char *repository = repository_url(vendor, place->machine);
	int r = check_family(place->machine, err);

	if (r == 0)
		r = check_disk(place->machine, err);
	if (r == 0)
		r = medium_share(vendor, l1, &place->medium, err);
	if (r == 0)
		r = install_medium_check(l1, place->medium->medium, err);
	if (r == 0 && l1->os_family == OS_ESXI)
		r = vendor_esxi_make(place->medium, repository, &place->esxi, err);
	if (r < 0)
		return r;
	place->format = answers_format_of(l1->os_family);
	return try_out(vendor, place, err);
}

int vendor_open(const struct vendor_request *request, struct vendor **ret_vendor, struct err *err)
{
	CLEANUP(vendor_cleanup) struct vendor *vendor = mem_alloc(sizeof *vendor);
	const struct lab *lab = request->lab;
	int r = 0;

	vendor->request = *request;
	vendor->places = mem_alloc(lab->machine_count * sizeof *vendor->places);
	for (size_t i = 0; r == 0 && i < lab->machine_count; i++) {
		const struct lab_machine *machine = &lab->machines[i];

		if (machine->way != LAB_ANSWERS)
			continue;
		if (!vendor->agent)
			r = data_read("nestctl-agent", &vendor->agent, &vendor->agent_length, err);
		struct place *place = &vendor->places[vendor->place_count++];
		place->machine = machine;
		if (r == 0)
			r = place_open(vendor, place, err);
		if (r < 0)
			return err_wrap(err, r, "%s:%u:%u: machine %s",
					machine->mark.file ? machine->mark.file : lab->name,
					machine->mark.line, machine->mark.column, machine->name);
	}
	*ret_vendor = take(&vendor);
	return 0;
}

void vendor_free(struct vendor *vendor)
{
	if (!vendor)
		return;
	for (size_t i = 0; i < vendor->place_count; i++)
		vendor_esxi_done(&vendor->places[i].esxi);
	for (size_t i = 0; i < vendor->media_count; i++)
		vendor_medium_free(vendor->media[i]);
	free(vendor->places);
	free(vendor->media);
	free(vendor->agent);
	free(vendor);
}

void vendor_cleanup(struct vendor **vendor)
{
	vendor_free(*vendor);
}
