/* The lab's own certificate authority, and the certificate of its server (OpenSSL libcrypto). The
 * netboot system trusts the one and nothing else; no browser is meant to.
 */
#pragma once
#include "base/err.h"

struct web_tls { /* PEM texts, owned */
	char *ca;
	char *certificate, *key; /* of the server */
};

/* From folder: ca.pem, ca.key, server.pem, server.key (0600); made where they are missing, and the
 * server's also for another address or near its end. address: dotted. -EBADMSG: the authority is
 * damaged; nothing is overwritten. */
int web_tls_open(const char *folder, const char *lab, const char *address, struct web_tls *ret_tls,
		 struct err *err);
void web_tls_done(struct web_tls *tls);
