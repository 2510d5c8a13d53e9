/* The lab's web server with a real ledger and no lab file, for the tests of the page and of the
 * ports: pxe-web-driver FOLDER PORT MACHINES [ADDRESS]. Ports are PORT to PORT+3: boot, secure,
 * answers, status. FOLDER/public holds the boot port's files, FOLDER/answers the answer files,
 * FOLDER/image the image; no boot text can be made while FOLDER/no-boot-text is there. Says
 * "ready", then obeys lines of stdin, each answered by "ok ...", or "error: ...": boot N, progress
 * N DONE TOTAL TEXT, console N TEXT, installed N, failed N WHY, levels N 0|1 JSON, stranger MAC
 * ADDRESS, version. N: number of the machine, from 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "pxe/web.h"

#define LINE_BYTES (64u << 10)

struct driver {
	const char *folder;
	struct lab lab;
	struct layer layer, *layers[1];
	struct stack stack;
	struct ledger *ledger;
	char image_sha256[HASH_HEX_LENGTH + 1]; /* as the lab's server knows it from disk.json */
};

static int open_below(const struct driver *driver, const char *folder, const char *name,
		      struct err *err)
{
	CLEANUP(free_cleanup) char *path = str_format("%s/%s/%s", driver->folder, folder, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 ? fd : err_errno(err, errno, "%s", path);
}

static int source_boot(void *context, const struct boot_client *client, bool grub, char **ret_text,
		       struct err *err)
{
	struct driver *driver = context;
	CLEANUP(free_cleanup) char *spoiled = path_join(driver->folder, "no-boot-text");
	struct boot_answer answer;
	int r = ledger_boot(driver->ledger, client, &answer, err);

	if (r == 0 && path_exists(spoiled))
		r = err_set(err, -EINVAL, "the kernel arguments are spoiled");
	if (r < 0)
		return r;
	*ret_text = str_format("%s %s %d %d %s\n", grub ? "grub" : "ipxe",
			       answer.machine ? answer.machine->name : "-", (int)answer.decision,
			       (int)client->firmware, answer.token);
	return 0;
}

static int source_file(void *context, const char *path, struct err *err)
{
	return open_below(context, "public", path, err);
}

static int source_ticket(void *context, const struct lab_machine *machine, char **ret_json,
			 struct err *err)
{
	(void)context;
	(void)err;
	*ret_json = str_format("{\"machine\": \"%s\"}", machine->name);
	return 0;
}

static int source_image(void *context, const struct lab_machine *machine,
			char ret_sha256[HASH_HEX_LENGTH + 1], struct err *err)
{
	const struct driver *driver = context;

	(void)machine;
	memcpy(ret_sha256, driver->image_sha256, sizeof driver->image_sha256);
	return open_below(driver, ".", "image", err);
}

static int source_answer(void *context, const struct lab_machine *machine, const char *name,
			 const char *token, char **ret_text, struct err *err)
{
	const struct driver *driver = context;
	CLEANUP(free_cleanup) char *path = str_format("%s/answers/%s", driver->folder, name);

	(void)machine;
	(void)token;
	return file_read(path, LINE_BYTES, ret_text, NULL, err);
}

static void lab_make(struct driver *driver, unsigned port, size_t machines, char *address)
{
	struct lab *lab = &driver->lab;

	driver->layers[0] = &driver->layer;
	driver->stack =
		(struct stack){ .own_name = "xen-l3", .layers = driver->layers, .layer_count = 1 };
	lab->name = str_copy("rack");
	lab->address = str_copy(address);
	lab->status_address = str_copy(address);
	lab->interface = "lo";
	lab->ports = (struct lab_ports){
		.boot = port, .secure = port + 1, .answers = port + 2, .status = port + 3
	};
	lab->machines = mem_alloc(machines * sizeof *lab->machines);
	lab->machine_count = machines;
	for (size_t i = 0; i < machines; i++)
		lab->machines[i] = (struct lab_machine){
			.name = str_format("r%zu", i),
			.mac = str_format("52:54:00:00:%02zx:%02zx", i >> 8, i & 255),
			.uuid = str_copy(""),
			.stack = &driver->stack,
		};
}

static void lab_unmake(struct driver *driver)
{
	struct lab *lab = &driver->lab;

	for (size_t i = 0; i < lab->machine_count; i++) {
		free(lab->machines[i].name);
		free(lab->machines[i].mac);
		free(lab->machines[i].uuid);
	}
	free(lab->machines);
	free(lab->name);
	free(lab->address);
	free(lab->status_address);
}

static int boot(struct driver *driver, const struct lab_machine *machine, struct err *err)
{
	const struct boot_client client = { machine->mac, "", "127.0.0.1", FIRMWARE_BIOS };
	struct boot_answer answer;
	int r = ledger_boot(driver->ledger, &client, &answer, err);

	if (r == 0)
		printf("ok %s\n", answer.token);
	return r < 0 ? r : 1;
}

static int stranger(struct driver *driver, const char *words, struct err *err)
{
	char mac[32] = "", address[64] = "";
	const struct boot_client client = { mac, "", address, FIRMWARE_UEFI };
	struct boot_answer answer;

	sscanf(words, "%31s %63s", mac, address);
	return ledger_boot(driver->ledger, &client, &answer, err);
}

/* 1: it was answered here. */
static int obey(struct driver *driver, const char *verb, const struct lab_machine *machine,
		const char *rest, struct err *err)
{
	unsigned long long done = 0, total = 0;
	int used = 0;

	if (str_equal(verb, "boot"))
		return boot(driver, machine, err);
	if (str_equal(verb, "progress")) {
		sscanf(rest, "%llu %llu %n", &done, &total, &used);
		return ledger_progress(driver->ledger, machine, done, total, rest + used, err);
	}
	if (str_equal(verb, "console")) {
		CLEANUP(free_cleanup) char *line = str_format("%s\n", rest);
		ledger_console(driver->ledger, machine, line, strlen(line));
		return 0;
	}
	if (str_equal(verb, "installed"))
		return ledger_installed(driver->ledger, machine, err);
	if (str_equal(verb, "failed"))
		return ledger_failed(driver->ledger, machine, rest, err);
	if (str_equal(verb, "levels"))
		return ledger_levels(driver->ledger, machine, rest + 2, rest[0] == '1', err);
	return err_set(err, -EINVAL, "no such verb: %s", verb);
}

static int line_obey(struct driver *driver, char *line, struct err *err)
{
	char *verb = strtok_r(line, " \n", &line);

	if (verb && str_equal(verb, "stranger"))
		return stranger(driver, line, err);
	if (verb && str_equal(verb, "version")) {
		printf("ok %llu\n", (unsigned long long)ledger_version(driver->ledger));
		return 1;
	}
	char *number = strtok_r(line, " \n", &line);
	size_t i = number ? strtoul(number, NULL, 10) : 0;
	if (!verb || !number || i >= driver->lab.machine_count)
		return err_set(err, -EINVAL, "not understood");
	line[strcspn(line, "\n")] = '\0';
	return obey(driver, verb, &driver->lab.machines[i], line, err);
}

static void serve(struct driver *driver)
{
	static char line[LINE_BYTES];

	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		struct err err = { 0 };
		int r = line_obey(driver, line, &err);

		if (r == 0)
			puts("ok");
		else if (r < 0)
			printf("error: %s\n", err.text);
		fflush(stdout);
		err_clear(&err);
	}
}

int main(int argc, char **argv)
{
	struct driver driver = { 0 };
	const struct web_source source = { &driver,	  source_boot,	source_file,
					   source_ticket, source_image, source_answer };
	struct web *web = NULL;
	struct err err = { 0 };

	if (argc < 4) {
		fputs("pxe-web-driver FOLDER PORT MACHINES [ADDRESS]\n", stderr);
		return 2;
	}
	driver.folder = argv[1];
	lab_make(&driver, (unsigned)atoi(argv[2]), (size_t)atoi(argv[3]),
		 argc > 4 ? argv[4] : "127.0.0.1");
	CLEANUP(free_cleanup) char *folder = path_join(argv[1], "ledger");
	CLEANUP(free_cleanup) char *web_folder = path_join(argv[1], "web");
	CLEANUP(free_cleanup) char *image = path_join(argv[1], "image");
	int r = path_exists(image) ? hash_file(image, driver.image_sha256, &err) : 0;
	if (r == 0)
		r = ledger_open(folder, &driver.lab, &driver.ledger, &err);
	const struct web_request request = { &driver.lab, driver.lab.address, driver.ledger,
					     &source, web_folder };
	if (r == 0)
		r = web_start(&request, &web, &err);
	if (r < 0)
		fprintf(stderr, "pxe-web-driver: %s\n", err.text);
	else
		serve(&driver);
	err_clear(&err);
	web_stop(web);
	ledger_free(driver.ledger);
	lab_unmake(&driver);
	return r < 0;
}
