/* agent.conf (docs/agent-protocol.md): what the agent knows of its layer before anyone speaks. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define CONF_GUESTS  16
#define CONF_MODULES 32
#define CONF_NAME    64
#define CONF_PATH    256
#define CONF_TOKEN   44 /* 43 characters */
/* sun_path of struct sockaddr_un, Linux unix(7). */
#define CONF_SOCKET 108

struct guest_conf {
	char name[CONF_NAME];
	char config[CONF_PATH];
	char socket[CONF_SOCKET]; /* "": the channel is the console */
};

struct conf {
	char layer[CONF_NAME];
	char channel[CONF_PATH]; /* "" where there is only the server */
	uint32_t server;	 /* network byte order; 0: none */
	unsigned server_port;
	char token[CONF_TOKEN]; /* that tells the server who we are */
	char interface[16];
	bool init;
	char host_name[CONF_NAME];
	char modules[CONF_MODULES][CONF_PATH];
	unsigned module_count;
	bool has_static_address;
	uint32_t address, gateway; /* network byte order; gateway 0: none */
	unsigned prefix_length;
	struct guest_conf guests[CONF_GUESTS];
	unsigned guest_count;
	unsigned network_timeout_seconds;
};

/* 0 or -EINVAL; problem then says "line 3: ...". Unknown settings are problems too: the file is
 * made by the nestctl that brought this agent. */
int conf_parse(const char *text, struct conf *ret_conf, char *problem, unsigned problem_size);
