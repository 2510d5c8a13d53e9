/* The echo server on L0: proves that a layer fetched a byte from here, in this run.
 * Listens on 127.0.0.1, which QEMU's user network shows to guests as 10.0.2.2. */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "run/crypto.h"
#include "run/loop.h"

struct echo_server;

/* The nonce is the only one that gets an answer. echo_free closes. */
int echo_start(const char *nonce, struct echo_server **ret_server, struct err *err);
void echo_free(struct echo_server *server);
uint16_t echo_port(const struct echo_server *server);
/* What the server answers the layer. */
void echo_expected(const struct echo_server *server, const char *path,
		   char ret_hex[ECHO_HEX_LENGTH + 1]);
void echo_poll(struct echo_server *server, struct loop *loop);
