#include "conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

#define LINE_BYTES		512
#define DEFAULT_TIMEOUT_SECONDS 60
#define BASE64URL		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* A setting's words after its key, as one string; NULL or what is wrong. */
typedef const char *set_fn(struct conf *conf, char *value);

static const char *text_set(char *to, size_t size, const char *value)
{
	size_t length = strlen(value);

	if (length >= size)
		return "is too long";
	memcpy(to, value, length + 1);
	return NULL;
}

/* A layer's name is a component of paths on the wire and of file names. */
static const char *name_set(char *to, size_t size, const char *value)
{
	if (value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				"._-")] ||
	    value[0] == '.')
		return "is no name (letters, digits, - _ .)";
	return text_set(to, size, value);
}

static const char *layer_set(struct conf *conf, char *value)
{
	return name_set(conf->layer, sizeof conf->layer, value);
}

static const char *channel_set(struct conf *conf, char *value)
{
	return text_set(conf->channel, sizeof conf->channel, value);
}

static const char *number_set(const char *value, unsigned max, unsigned *ret_number)
{
	char *end;
	unsigned long number = strtoul(value, &end, 10);

	if (end == value || *end || number > max)
		return "is not a number in range";
	*ret_number = (unsigned)number;
	return NULL;
}

static const char *port_set(const char *value, unsigned *ret_port)
{
	const char *wrong = number_set(value, 65535, ret_port);

	return wrong || *ret_port > 0 ? wrong : "is not a number in range";
}

/* ADDRESS:PORT TOKEN. The address is no name: nobody answers for names where it is needed first. */
static const char *server_set(struct conf *conf, char *value)
{
	struct in_addr address;
	char *rest = NULL;
	char *host = strtok_r(value, " \t", &rest);
	const char *token = strtok_r(NULL, " \t", &rest);
	char *colon = strchr(host, ':');

	if (!colon || !token || strtok_r(NULL, " \t", &rest))
		return "is not ADDRESS:PORT TOKEN";
	*colon = '\0';
	if (inet_pton(AF_INET, host, &address) != 1 || address.s_addr == 0)
		return "has no IPv4 address";
	conf->server = address.s_addr;
	if (strlen(token) != CONF_TOKEN - 1 || token[strspn(token, BASE64URL)])
		return "has no token of 43 characters";
	memcpy(conf->token, token, CONF_TOKEN);
	return port_set(colon + 1, &conf->server_port);
}

static const char *interface_set(struct conf *conf, char *value)
{
	return name_set(conf->interface, sizeof conf->interface, value);
}

static const char *host_name_set(struct conf *conf, char *value)
{
	return name_set(conf->host_name, sizeof conf->host_name, value);
}

static const char *init_set(struct conf *conf, char *value)
{
	conf->init = strcmp(value, "yes") == 0;
	return conf->init || strcmp(value, "no") == 0 ? NULL : "is neither yes nor no";
}

static const char *module_set(struct conf *conf, char *value)
{
	if (conf->module_count == CONF_MODULES)
		return "is one module too many";
	return text_set(conf->modules[conf->module_count++], CONF_PATH, value);
}

static const char *address_set(struct conf *conf, char *value)
{
	char *slash = strchr(value, '/');

	if (strcmp(value, "dhcp") == 0)
		return NULL;
	if (!slash)
		return "is neither dhcp nor ADDRESS/PREFIX";
	*slash = '\0';
	if (inet_pton(AF_INET, value, &conf->address) != 1)
		return "is no IPv4 address";
	conf->has_static_address = true;
	return number_set(slash + 1, 32, &conf->prefix_length);
}

static const char *gateway_set(struct conf *conf, char *value)
{
	return inet_pton(AF_INET, value, &conf->gateway) == 1 ? NULL : "is no IPv4 address";
}

static const char *timeout_set(struct conf *conf, char *value)
{
	return number_set(value, 86400, &conf->network_timeout_seconds);
}

static const char *guest_word_set(struct guest_conf *guest, const char *word)
{
	if (strncmp(word, "config=", 7) == 0)
		return text_set(guest->config, sizeof guest->config, word + 7);
	if (strcmp(word, "channel=console") == 0)
		return NULL;
	if (strncmp(word, "channel=socket:", 15) == 0)
		return text_set(guest->socket, sizeof guest->socket, word + 15);
	return "has a word that is neither config=FILE nor channel=console nor "
	       "channel=socket:PATH";
}

static const char *guest_set(struct conf *conf, char *value)
{
	struct guest_conf *guest = &conf->guests[conf->guest_count];
	char *rest = NULL;
	const char *wrong;

	if (conf->guest_count == CONF_GUESTS)
		return "is one guest too many";
	wrong = name_set(guest->name, sizeof guest->name, strtok_r(value, " \t", &rest));
	for (char *word; !wrong && (word = strtok_r(NULL, " \t", &rest));)
		wrong = guest_word_set(guest, word);
	for (unsigned i = 0; i < conf->guest_count; i++)
		if (strcmp(conf->guests[i].name, guest->name) == 0)
			wrong = "has a name that stands already";
	if (!wrong && !*guest->config)
		wrong = "has no config=FILE";
	conf->guest_count++;
	return wrong;
}

static const struct {
	const char *key;
	set_fn *set;
} settings[] = {
	{ "layer", layer_set },
	{ "channel", channel_set },
	{ "server", server_set },
	{ "interface", interface_set },
	{ "init", init_set },
	{ "host-name", host_name_set },
	{ "module", module_set },
	{ "address", address_set },
	{ "gateway", gateway_set },
	{ "guest", guest_set },
	{ "network-timeout", timeout_set },
};

/* Blanks at both ends go. */
static char *trimmed(char *text)
{
	size_t length;

	text += strspn(text, " \t\r");
	length = strlen(text);
	while (length > 0 && strchr(" \t\r", text[length - 1]))
		text[--length] = '\0';
	return text;
}

/* line is changed. NULL or what is wrong; ret_key is the word it is about. */
static const char *line_parse(struct conf *conf, char *line, const char **ret_key)
{
	char *key = trimmed(line);
	char *value = key + strcspn(key, " \t");

	*ret_key = key;
	if (*key == '#' || *key == '\0')
		return NULL;
	if (*value)
		*value++ = '\0';
	value = trimmed(value);
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		if (strcmp(settings[i].key, key) == 0)
			return *value ? settings[i].set(conf, value) : "has no value";
	return "is no setting";
}

int conf_parse(const char *text, struct conf *ret_conf, char *problem, unsigned problem_size)
{
	struct conf *conf = ret_conf;
	unsigned number = 1;

	*conf = (struct conf){ .network_timeout_seconds = DEFAULT_TIMEOUT_SECONDS };
	for (; *text; number++) {
		size_t length = strcspn(text, "\n");
		char line[LINE_BYTES];
		const char *key = "line", *wrong;

		snprintf(line, sizeof line, "%.*s",
			 (int)(length < LINE_BYTES ? length : LINE_BYTES), text);
		wrong = length < LINE_BYTES ? line_parse(conf, line, &key) : "is too long";
		if (wrong) {
			snprintf(problem, problem_size, "line %u: %s %s", number, key, wrong);
			return -EINVAL;
		}
		text += length + (text[length] == '\n');
	}
	if (!*conf->layer || (!*conf->channel && !conf->server)) {
		snprintf(problem, problem_size, "%s is not set",
			 *conf->layer ? "channel or server" : "layer");
		return -EINVAL;
	}
	return 0;
}
