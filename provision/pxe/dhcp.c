#include "pxe/dhcp.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/data.h"
#include "base/fs.h"
#include "pxe/boot_programs.h"
#include "pxe/dhcp_paths.h"

#define LEASES_SPARE 64 /* of a range that is small, for machines that come and go */

/* dnsmasq 2.90 holds 128 bytes of boot file. iPXE itself fills in what is in ${}. */
#define SCRIPT                                                                                     \
	"http://%s/boot/ipxe?mac=${netX/mac:hexhyp}&uuid=${uuid}&arch=${buildarch}&"               \
	"platform=${platform}"

static char *server_of(const struct dhcp_request *request)
{
	return str_format("%s:%u", request->address, request->lab->ports.boot);
}

int dhcp_files(const struct dhcp_request *request, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_join(request->folder, "tftp");
	CLEANUP(free_cleanup) char *server = server_of(request);

	return boot_programs_make(folder, server, err);
}

/* Nothing in a value may end it: what dnsmasq.conf takes for its own. */
static int value_check(const char *what, const char *value, struct err *err)
{
	for (const char *c = value; *c; c++)
		if (iscntrl((unsigned char)*c) || strchr(" ,\"\\#", *c))
			return err_set(err, -EINVAL, "%s: \"%s\" cannot stand in dnsmasq.conf",
				       what, value);
	return 0;
}

/* Inside quotes: a path. */
static int path_check(const char *path, struct err *err)
{
	for (const char *c = path; *c; c++)
		if (iscntrl((unsigned char)*c) || strchr("\"\\", *c))
			return err_set(err, -EINVAL, "%s: such a path cannot stand in dnsmasq.conf",
				       path);
	return 0;
}

static int values_check(const struct dhcp_request *request, const struct dhcp_paths *paths,
			struct err *err)
{
	const struct lab *lab = request->lab;
	const struct {
		const char *what, *value;
	} values[] = {
		{ "interface", lab->interface },    { "address", request->address },
		{ "dhcp.range", lab->range_first }, { "dhcp.range", lab->range_last },
		{ "dhcp.gateway", lab->gateway },
	};
	int r = path_check(paths->folder, err);

	for (size_t i = 0; r == 0 && i < sizeof values / sizeof *values; i++)
		r = value_check(values[i].what, values[i].value ? values[i].value : "", err);
	for (size_t i = 0; r == 0 && i < lab->dns.count; i++)
		r = value_check("dhcp.dns", lab->dns.items[i], err);
	return r;
}

static unsigned lease_max(const struct lab *lab)
{
	struct in_addr first, last;

	if (inet_pton(AF_INET, lab->range_first ? lab->range_first : "", &first) != 1 ||
	    inet_pton(AF_INET, lab->range_last ? lab->range_last : "", &last) != 1 ||
	    ntohl(last.s_addr) < ntohl(first.s_addr))
		return LEASES_SPARE;
	return ntohl(last.s_addr) - ntohl(first.s_addr) + LEASES_SPARE;
}

/* ",a,b", "" for an empty list: then dnsmasq sends none, and not itself. */
static char *list_option(const struct strv *list)
{
	CLEANUP(free_cleanup) char *joined = strv_join(list, ",");

	return str_format("%s%s", *joined ? "," : "", joined);
}

static const char *const addresses_template[] = {
	[LAB_DHCP_PROXY] = "pxe/dnsmasq-proxy.conf",
	[LAB_DHCP_FULL] = "pxe/dnsmasq-full.conf",
};

static int config_render(const struct dhcp_request *request, const struct dhcp_paths *paths,
			 char **ret_text, struct err *err)
{
	const struct lab *lab = request->lab;
	CLEANUP(free_cleanup) char *server = server_of(request);
	CLEANUP(free_cleanup) char *script = str_format(SCRIPT, server);
	CLEANUP(free_cleanup) char *lease = str_format("%u", lab->lease_seconds);
	CLEANUP(free_cleanup) char *max = str_format("%u", lease_max(lab));
	CLEANUP(free_cleanup) char *dns = list_option(&lab->dns);
	CLEANUP(free_cleanup)
	char *router = str_format("%s%s", lab->gateway && *lab->gateway ? "," : "",
				  lab->gateway ? lab->gateway : "");
	CLEANUP(free_cleanup) char *addresses = NULL;
	struct template_value values[] = {
		{ "INTERFACE", lab->interface },
		{ "ADDRESS", request->address },
		{ "SERVER", server },
		{ "SCRIPT", script },
		{ "TFTP", paths->tftp },
		{ "LEASES", paths->leases },
		{ "FIRST", lab->range_first ? lab->range_first : "" },
		{ "LAST", lab->range_last ? lab->range_last : "" },
		{ "LEASE", lease },
		{ "LEASE_MAX", max },
		{ "ROUTER", router },
		{ "DNS", dns },
		{ "BIOS", BOOT_PROGRAM_BIOS },
		{ "UEFI", BOOT_PROGRAM_UEFI },
		{ "ADDRESSES", "" },
		{ NULL, NULL },
	};
	int r = 0;

	if (lab->dhcp != LAB_DHCP_NONE) {
		r = template_render(addresses_template[lab->dhcp], values, &addresses, err);
		if (r < 0)
			return r;
		for (struct template_value *value = values; value->name; value++)
			if (str_equal(value->name, "ADDRESSES"))
				value->value = addresses;
	}
	return template_render("pxe/dnsmasq.conf", values, ret_text, err);
}

int dhcp_config(const struct dhcp_request *request, char **ret_text, struct err *err)
{
	CLEANUP(dhcp_paths_done) struct dhcp_paths paths = { 0 };

	dhcp_paths_of(request->folder, &paths);
	int r = values_check(request, &paths, err);
	return r < 0 ? r : config_render(request, &paths, ret_text, err);
}
