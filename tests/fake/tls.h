#pragma once
/* A throw-away authority with a certificate for the server and one for a client. */

#include "options.h"

/* PEM texts, owned. */
struct tls {
    char *certificate;
    char *key;
    char *client_ca; /* NULL where no client certificate is demanded */
};

/* Makes them anew and writes ca.pem, server.pem, server.key, client.pem and client.key (keys with
 * mode 0600) to the directory of the options. Returns 0, or -1 with a message on stderr. */
int tls_make(struct tls *tls, const struct options *options);
void tls_done(struct tls *tls);
