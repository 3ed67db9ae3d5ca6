#pragma once
/* The HTTP server: a thread for each connection, so that a slow answer holds up no other. */

#include "request.h"
#include "tls.h"

struct server;

/* Borrows all it is given. Binds, and accepts from then on. Gives NULL with a message on stderr. */
struct server *server_start(struct fake *fake, const struct tls *tls);

/* The URL without a path, borrowed, and the bound port. */
const char *server_url(const struct server *server);
unsigned server_port(const struct server *server);

/* Ends all connections and waits for their threads. fake->stop_fd is to be readable. */
void server_stop(struct server *server);
