/* The verbs' end of a running stack's control socket (run/control.h). */
#pragma once
#include <stdbool.h>

#include "run/message.h"

struct client_link; /* a connection */

/* folder: of the stack. -ENOTCONN: it is not running. client_close. */
int client_open(const char *folder, struct client_link **ret_link, struct err *err);
void client_close(struct client_link *link);
void client_cleanup(struct client_link **link);
int client_fd(const struct client_link *link);

/* What is asked of the stack, as control.h has it; the answers come by client_next. All: the errno
 * of writing, where nobody listens any more. */
int client_ask(struct client_link *link, const char *what, struct err *err); /* status, ... */
/* seconds: for each level to power itself down. */
int client_ask_down(struct client_link *link, unsigned seconds, struct err *err);
/* argv ends with NULL. -EINVAL: an argument is no UTF-8. */
int client_ask_exec(struct client_link *link, const char *layer, char *const *argv,
		    struct err *err);
int client_ask_console(struct client_link *link, const char *layer, struct err *err);
/* To the console that was asked for: any bytes. */
int client_send_input(struct client_link *link, const void *data, size_t length, struct err *err);

/* The next message; waits. -EPIPE: the other side closed; -EREMOTEIO: it refused, with its words.
 * message_done frees. */
int client_next(struct client_link *link, struct message *ret_message, struct err *err);
/* True: client_next would not wait, a whole message is here already. */
bool client_has_next(const struct client_link *link);
