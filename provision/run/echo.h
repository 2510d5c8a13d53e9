/* The echo server on L0: proves that a layer fetched a byte from here, in this run.
 * Listens on one address only, the one under which the layers see this machine. */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "run/crypto.h"
#include "run/loop.h"

struct echo_server;

/* address: dotted, one of this machine's. The nonce is the only one that gets an answer. echo_free
 * closes. */
int echo_start(const char *address, const char *nonce, struct echo_server **ret_server,
	       struct err *err);
void echo_free(struct echo_server *server);
uint16_t echo_port(const struct echo_server *server);
/* What the server answers the layer. */
void echo_expected(const struct echo_server *server, const char *path,
		   char ret_hex[ECHO_HEX_LENGTH + 1]);
void echo_poll(struct echo_server *server, struct loop *loop);
