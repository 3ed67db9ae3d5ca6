/* A small HTTP server on the loop, for metrics and probes: libmicrohttpd without a thread of its
 * own. GET and HEAD only; every connection is closed after its answer. Knows no page. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "io/loop.h"

struct listener;

struct listener_page {
    unsigned status;  /* of HTTP */
    const char *type; /* Content-Type */
};

struct listener_owner {
    void *context;
    /* Fills `body` and *ret_page for a path; false: there is no such page. */
    bool (*page)(void *context, const char *path, struct buf *body, struct listener_page *ret_page);
};

/* `address` is numeric, with a port: 127.0.0.1:9180, [::1]:9180. Borrows the loop. ERROR_SYSTEM,
 * with its errno, says what is in the way. */
bool listener_new(struct loop *loop, const char *address, const struct listener_owner *owner,
                  struct listener **ret_listener, struct error *err);
/* Not from within `page`. Null is allowed. */
void listener_free(struct listener *listener);
