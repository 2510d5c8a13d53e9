#include "answers/setup.h"

#include <string.h>

#include "base/data.h"
#include "compose/names.h"
#include "compose/system.h"
#include "run/crypto.h"

#define LINE_BYTES 57 /* 76 characters of base64 */
/* No line of base64 is this one. */
#define END_OF_FILE "nestctl_END"
/* Longer texts, and such with odd lines, are written in base64. */
#define PLAIN_MAX_BYTES 16384

static int template_add(const char *name, const char *path, uint32_t mode, struct setup *setup,
			struct err *err)
{
	const struct template_value none[] = { { NULL, NULL } };
	CLEANUP(free_cleanup) char *text = NULL;
	int r = template_render(name, none, &text, err);

	if (r == 0)
		overlay_file(&setup->files, path, text, strlen(text), mode);
	return r;
}

void setup_enable(struct setup *setup, const char *service)
{
	buf_text(&setup->commands, "systemctl enable ");
	buf_shell(&setup->commands, service);
	buf_text(&setup->commands, "\n");
}

static int agent_add(struct setup *setup, const struct answers_request *request,
		     enum init_system init, bool agent_bytes, struct err *err)
{
	int r;

	agent_conf_overlay(request->layer, NULL, &setup->files);
	if (request->network && *request->network->agent)
		overlay_append(&setup->files, AGENT_CONF, "server %s\n", request->network->agent);
	if (agent_bytes)
		overlay_file(&setup->files, AGENT_PATH, request->agent, request->agent_length,
			     0755);
	if (init == INIT_SYSV) {
		r = template_add("answers/nestctl-agent.init", "/etc/init.d/nestctl-agent", 0755,
				 setup, err);
		buf_text(&setup->commands, "/sbin/insserv nestctl-agent\n");
		return r;
	}
	r = template_add("agent/nestctl-agent.service", "/etc/systemd/system/nestctl-agent.service",
			 0644, setup, err);
	setup_enable(setup, "nestctl-agent.service");
	return r;
}

int setup_layer(struct setup *setup, const struct answers_request *request, enum init_system init,
		bool agent_bytes, struct err *err)
{
	const struct layer *layer = request->layer;
	int r = 0;

	ssh_keys_overlay(layer, &setup->files);
	if (layer->ssh_keys.count > 0)
		buf_text(&setup->commands, "chmod 700 /root/.ssh\n");
	setup->done = request->network ? request->network->done : NULL;
	if (request->agent)
		r = agent_add(setup, request, init, agent_bytes, err);
	for (size_t i = 0; i < layer->file_count; i++)
		overlay_file(&setup->files, layer->files[i].path, layer->files[i].content,
			     layer->files[i].content_length, layer->files[i].mode);
	return r;
}

int setup_xen_default(struct setup *setup, const char *menu, struct err *err)
{
	const struct template_value values[] = { { "MENU", menu }, { NULL, NULL } };
	CLEANUP(free_cleanup) char *text = NULL;
	int r = template_render("answers/xen-default", values, &text, err);

	if (r == 0)
		buf_text(&setup->commands, text);
	return r;
}

char *setup_grub_defaults(const struct layer *layer)
{
	CLEANUP(free_cleanup) char *xen = hypervisor_arguments(layer);
	CLEANUP(free_cleanup) char *dom0 = dom0_arguments(layer);
	CLEANUP(free_cleanup) char *linux_ = linux_arguments(layer);
	CLEANUP(buf_done) struct buf text = { 0 };

	buf_format(&text,
		   "# Written by nestctl.\nGRUB_TIMEOUT=%u\nGRUB_CMDLINE_LINUX_DEFAULT=\"\"\n"
		   "GRUB_CMDLINE_LINUX=\"%s\"\nGRUB_TERMINAL=serial\n"
		   "GRUB_SERIAL_COMMAND=\"serial --unit=0 --speed=115200\"\n",
		   layer->menu_timeout_seconds, linux_);
	if (layer->hypervisor == HYPERVISOR_XEN)
		buf_format(&text,
			   "GRUB_CMDLINE_XEN=\"%s\"\nGRUB_CMDLINE_XEN_DEFAULT=\"\"\n"
			   "GRUB_CMDLINE_LINUX_XEN_REPLACE=\"%s\"\n",
			   xen, dom0);
	return str_copy(buf_str(&text));
}

/* ---- the script ---- */

static void base64_lines(const char *data, size_t length, struct buf *out)
{
	for (size_t at = 0; at < length; at += LINE_BYTES) {
		size_t part = length - at < LINE_BYTES ? length - at : LINE_BYTES;

		CLEANUP(free_cleanup) char *line = base64_encode(data + at, part);
		buf_format(out, "%s\n", line);
	}
}

/* Whole lines of ASCII that say nothing to the shell, whose end marker is none of them, nor to
 * kickstart, whose sections begin and end with lines whose first word begins with %. Source:
 * pykickstart, KickstartParser._readSection. */
static bool is_plain(const struct overlay_entry *entry)
{
	const char *text = entry->data;
	bool word_begins = true; /* nothing but blanks in this line so far */

	if (entry->length == 0 || entry->length > PLAIN_MAX_BYTES ||
	    text[entry->length - 1] != '\n' || strlen(text) != entry->length)
		return false;
	for (size_t i = 0; i < entry->length; i++) {
		unsigned char c = (unsigned char)text[i];
		bool line_begins = i == 0 || text[i - 1] == '\n';

		word_begins = line_begins || (word_begins && strchr(" \t", text[i - 1]));
		if ((c < 0x20 && c != '\n' && c != '\t') || c > 0x7e || (word_begins && c == '%') ||
		    (line_begins && str_starts(text + i, END_OF_FILE)))
			return false;
	}
	return true;
}

static void entry_add(const struct overlay_entry *entry, struct buf *out)
{
	buf_text(out, "put ");
	buf_shell(out, entry->path);
	buf_format(out, " %04o %s << '" END_OF_FILE "'\n", entry->mode,
		   is_plain(entry) ? "cat" : "base64 -d");
	if (is_plain(entry))
		buf_add(out, entry->data, entry->length);
	else
		base64_lines(entry->data, entry->length, out);
	buf_text(out, END_OF_FILE "\n\n");
}

/* "http://HOST:PORT/PATH" for programs that take it as a whole, and for a shell that does not. */
static int done_text(const char *url, char **ret_text, struct err *err)
{
	const char *host = strstr(url, "://") ? strstr(url, "://") + 3 : url;
	const char *path = host + strcspn(host, "/");
	const char *colon = memchr(host, ':', (size_t)(path - host));
	CLEANUP(buf_done) struct buf quoted = { 0 };

	buf_shell(&quoted, url);
	CLEANUP(free_cleanup)
	char *name = str_format("%.*s", (int)((colon ? colon : path) - host), host);
	CLEANUP(free_cleanup)
	char *port =
		colon ? str_format("%.*s", (int)(path - colon - 1), colon + 1) : str_copy("80");
	const struct template_value values[] = { { "URL", buf_str(&quoted) },
						 { "HOST", name },
						 { "PORT", port },
						 { "PATH", *path ? path : "/" },
						 { NULL, NULL } };
	return template_render("answers/done", values, ret_text, err);
}

int setup_script(const struct setup *setup, char **ret_text, struct err *err)
{
	CLEANUP(buf_done) struct buf files = { 0 };
	CLEANUP(free_cleanup) char *done = NULL;

	for (size_t i = 0; i < setup->files.count; i++)
		entry_add(&setup->files.entries[i], &files);
	int r = setup->done ? done_text(setup->done, &done, err) : 0;
	if (r < 0)
		return r;
	const struct template_value values[] = {
		{ "FILES", buf_str(&files) },
		{ "COMMANDS", buf_str(&setup->commands) },
		{ "DONE", done ? done : "" },
		{ NULL, NULL },
	};
	return template_render("answers/setup", values, ret_text, err);
}

void setup_done(struct setup *setup)
{
	overlay_done(&setup->files);
	buf_done(&setup->commands);
}
