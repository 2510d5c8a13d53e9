/* What the agent in a layer has to know: agent.conf, as docs/agent-protocol.md describes it. */
#include "compose/system.h"

#include "base/data.h"
#include "guest/xl.h"
#include "pattern/pattern.h"

/* The record still has to come out before the proof's time is up. */
#define NETWORK_MARGIN_SECONDS 10

/* A machine that shares its console with the kernel has no second serial port. */
static bool has_serial_channel(const struct layer *layer)
{
	return layer->machine.type == MACHINE_HVM;
}

static void guest_line(const struct layer *guest, struct buf *conf)
{
	buf_format(conf, "guest %s config=%s/%s channel=", guest->name, GUEST_CONFIG_FOLDER,
		   guest->name);
	if (has_serial_channel(guest))
		buf_format(conf, "socket:%s/%s.sock\n", GUEST_SOCKET_FOLDER, guest->name);
	else
		buf_text(conf, "console\n");
}

static void small_guest_lines(const struct layer *layer, const struct strv *modules,
			      struct buf *conf)
{
	buf_text(conf, "init yes\n");
	buf_format(conf, "host-name %s\n", layer->host_name);
	for (size_t i = 0; i < modules->count; i++)
		buf_format(conf, "module /lib/modules/%s\n", modules->items[i]);
	buf_format(conf, "address %s\n",
		   layer->network.mode == ADDRESS_STATIC ? layer->network.address : "dhcp");
	if (layer->network.mode == ADDRESS_STATIC && *layer->network.gateway)
		buf_format(conf, "gateway %s\n", layer->network.gateway);
}

void agent_conf_overlay(const struct layer *layer, const struct strv *modules,
			struct overlay *overlay)
{
	CLEANUP(buf_done) struct buf conf = { 0 };
	unsigned proof_seconds = layer->proof_timeout_seconds;
	unsigned network_seconds = proof_seconds > 2 * NETWORK_MARGIN_SECONDS
					   ? proof_seconds - NETWORK_MARGIN_SECONDS
					   : proof_seconds / 2;

	buf_format(&conf, "# Written by nestctl; docs/agent-protocol.md explains it.\nlayer %s\n",
		   layer->name);
	buf_format(&conf, "channel %s\n", has_serial_channel(layer) ? "/dev/ttyS1" : "/dev/hvc0");
	buf_format(&conf, "interface %s\n",
		   layer->role == ROLE_HOST ? layer->network.bridge : "eth0");
	buf_format(&conf, "network-timeout %u\n", network_seconds);
	if (modules)
		small_guest_lines(layer, modules, &conf);
	for (size_t i = 0; i < layer->inner_count; i++)
		guest_line(layer->inner[i], &conf);
	overlay_text(overlay, AGENT_CONF, 0600, "%s", buf_str(&conf));
}

int agent_overlay(const struct layer *layer, const struct strv *modules, const char *agent_path,
		  struct overlay *overlay, struct err *err)
{
	CLEANUP(free_cleanup) char *agent = NULL;
	size_t agent_length = 0;
	int r = data_read("nestctl-agent", &agent, &agent_length, err);

	if (r < 0)
		return r;
	agent_conf_overlay(layer, modules, overlay);
	overlay_file(overlay, agent_path, agent, agent_length, 0755);
	return 0;
}
