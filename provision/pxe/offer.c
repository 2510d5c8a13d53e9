#include "pxe/offer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "pxe/boot_programs.h"
#include "pxe/boot_text.h"
#include "pxe/ticket.h"
#include "pxe/vendor.h"

#define MEDIA "media/"

/* What anybody may have: no secret is in it. */
static const struct {
	const char *path;  /* below the boot port's root */
	const char *inner; /* below the lab's folder */
} public_files[] = {
	{ "netboot/vmlinuz", "netboot/vmlinuz" },
	{ "netboot/initrd", "netboot/initrd" },
	{ "boot/" BOOT_PROGRAM_BIOS, "tftp/" BOOT_PROGRAM_BIOS },
	{ "boot/" BOOT_PROGRAM_UEFI, "tftp/" BOOT_PROGRAM_UEFI },
};

struct offer {
	struct offer_request request;
	struct web_source source;
};

/* ---- boot texts ---- */

/* What is said to a client that asks. */
struct reply {
	const struct offer *offer;
	const struct boot_client *client;
	const struct boot_answer *answer;
	enum boot_language language;
};

static int text_of(const struct reply *reply, const struct boot_files *files, char **ret_text,
		   struct err *err)
{
	const struct offer_request *request = &reply->offer->request;
	CLEANUP(free_cleanup)
	char *server = str_format("%s:%u", request->address, request->lab->ports.boot);

	return boot_text(reply->language, server, reply->client->firmware, files, ret_text, err);
}

static int local_text(const struct reply *reply, char **ret_text, struct err *err)
{
	const struct lab_machine *machine = reply->answer->machine;
	const struct boot_files files = {
		.disk_uuid =
			machine ? lab_image_boot_uuid(reply->offer->request.images, machine) : "",
	};

	return text_of(reply, &files, ret_text, err);
}

static int netboot_text(const struct reply *reply, char **ret_text, struct err *err)
{
	const struct offer_request *request = &reply->offer->request;
	bool install = reply->answer->decision == DECISION_INSTALL;
	CLEANUP(free_cleanup)
	char *server = str_format("https://%s:%u", request->address, request->lab->ports.secure);
	CLEANUP(free_cleanup)
	char *arguments =
		lab_call_text(install ? server : NULL, reply->answer->token, reply->client->mac);
	const struct boot_files files = {
		.kernel = "/netboot/vmlinuz",
		.initrd = "/netboot/initrd",
		.arguments = arguments,
	};

	return text_of(reply, &files, ret_text, err);
}

static int vendor_text(const struct reply *reply, char **ret_text, struct err *err)
{
	CLEANUP(vendor_boot_done) struct vendor_boot boot = { 0 };

	vendor_boot(reply->offer->request.vendor, reply->answer->machine, reply->client->firmware,
		    reply->answer->token, &boot);
	return text_of(reply, &boot.files, ret_text, err);
}

/* There is nothing that it could fetch: it would try for ever. */
static int no_rescue_text(const struct reply *reply, char **ret_text, struct err *err)
{
	CLEANUP(free_cleanup) char *local = NULL;
	int r = local_text(reply, &local, err);

	if (r == 0)
		*ret_text = boot_text_say(reply->language, local,
					  "this lab has no rescue system, the local disk follows");
	return r;
}

static int install_text(const struct reply *reply, char **ret_text, struct err *err)
{
	struct err ignored = { 0 };
	int r = reply->answer->machine->way == LAB_ANSWERS ? vendor_text(reply, ret_text, err)
							   : netboot_text(reply, ret_text, err);

	if (r < 0) { /* the page says why, and not that it came back without a word */
		ledger_failed(reply->offer->request.ledger, reply->answer->machine,
			      err && err->text ? err->text : "no boot text can be made", &ignored);
		err_clear(&ignored);
	}
	return r;
}

static int offer_boot(void *context, const struct boot_client *client, bool grub, char **ret_text,
		      struct err *err)
{
	const struct offer *offer = context;
	struct boot_answer answer;
	const struct reply reply = { offer, client, &answer, grub ? BOOT_GRUB : BOOT_IPXE };
	int r = ledger_boot(offer->request.ledger, client, &answer, err);

	if (r < 0)
		return r;
	if (answer.decision == DECISION_LOCAL)
		return local_text(&reply, ret_text, err);
	if (answer.decision == DECISION_INSTALL)
		return install_text(&reply, ret_text, err);
	return lab_has_netboot(offer->request.lab) ? netboot_text(&reply, ret_text, err)
						   : no_rescue_text(&reply, ret_text, err);
}

/* ---- files ---- */

static int offer_file(void *context, const char *path, struct err *err)
{
	const struct offer *offer = context;

	if (str_starts(path, MEDIA))
		return vendor_file(offer->request.vendor, path + strlen(MEDIA), err);
	for (size_t i = 0; i < sizeof public_files / sizeof *public_files; i++) {
		if (!str_equal(path, public_files[i].path))
			continue;
		CLEANUP(free_cleanup)
		char *name = path_join(offer->request.folder, public_files[i].inner);
		int fd = open(name, O_RDONLY | O_CLOEXEC);

		return fd < 0 ? err_errno(err, errno, "%s cannot be read", name) : fd;
	}
	return err_set(err, -ENOENT, "there is no such file");
}

/* ---- for the owner of a token ---- */

static int offer_ticket(void *context, const struct lab_machine *machine, char **ret_json,
			struct err *err)
{
	const struct offer *offer = context;
	const struct lab *lab = offer->request.lab;
	const struct stream_facts *facts = lab_image_facts(offer->request.images, machine);
	CLEANUP(strv_done) struct strv mirrors = { 0 };
	CLEANUP(free_cleanup)
	char *agents = str_format("%s:%u", offer->request.address, lab->ports.agents);

	if (!facts)
		return err_set(err, -ENOENT, "%s has no image", machine->name);
	for (size_t i = 0; i < lab->mirrors.count; i++)
		strv_format(&mirrors, "%s/%s/disk.zst", lab->mirrors.items[i], machine->name);
	struct ticket ticket = {
		.machine = machine->name,
		.host_name = machine->name,
		.image = *facts,
		.boot_uuid = (char *)lab_image_boot_uuid(offer->request.images, machine),
		.disk = machine->disk,
		.agent_server = agents,
		.mirrors = mirrors,
	};
	int r = ledger_agent_issue(offer->request.ledger, machine, ticket.agent_token, err);
	if (r == 0)
		*ret_json = ticket_text(&ticket);
	return r;
}

static int offer_image(void *context, const struct lab_machine *machine,
		       char ret_sha256[HASH_HEX_LENGTH + 1], struct err *err)
{
	const struct offer *offer = context;
	const struct stream_facts *facts = lab_image_facts(offer->request.images, machine);

	if (facts)
		memcpy(ret_sha256, facts->sha256, HASH_HEX_LENGTH + 1);
	return lab_image_open(offer->request.images, machine, err);
}

static int offer_answer(void *context, const struct lab_machine *machine, const char *name,
			const char *token, char **ret_text, struct err *err)
{
	const struct offer *offer = context;
	char agent_token[TOKEN_LENGTH + 1];
	int r = ledger_agent_issue(offer->request.ledger, machine, agent_token, err);

	if (r == 0)
		r = vendor_answer(offer->request.vendor, machine, name, token, agent_token,
				  ret_text, err);
	explicit_bzero(agent_token, sizeof agent_token);
	return r;
}

struct offer *offer_new(const struct offer_request *request)
{
	struct offer *offer = mem_alloc(sizeof *offer);

	offer->request = *request;
	offer->source = (struct web_source){
		.context = offer,
		.boot = offer_boot,
		.file = offer_file,
		.ticket = offer_ticket,
		.image = offer_image,
		.answer = offer_answer,
	};
	return offer;
}

void offer_cleanup(struct offer **offer)
{
	free(*offer);
}

const struct web_source *offer_source(const struct offer *offer)
{
	return &offer->source;
}
