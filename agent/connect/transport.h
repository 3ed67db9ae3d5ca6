/* HTTP over curl's multi interface, driven by the loop. One request per call; what comes back is
 * held in secrets from the first byte. Knows nothing of Connect. curl is only used here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/secret.h"
#include "io/loop.h"
#include "model/settings.h"

struct transport;
struct transport_call;

struct transport_answer {
    long status;
    const struct secret *body; /* borrowed during the callback */
    bool is_html;              /* by its Content-Type */
    uint64_t retry_after_ms;   /* 0: none; cut to LIMIT_RETRY_AFTER_SECONDS */
};

/* `answer` is null when there was none; then `error` says why. Either may be looked at only during
 * the call. The call is over: it must not be cancelled any more. The callback may start and cancel
 * other calls, but not free the transport. */
struct transport_done {
    void (*call)(void *context, const struct transport_answer *answer, const struct error *error);
    void *context;
};

/* Borrows the loop and the settings. TLS: 1.2 at least, verified against settings->ca_file or the
 * system's store. Proxies by the usual variables; redirects are never followed. */
bool transport_new(struct loop *loop, const struct settings *settings,
                   struct transport **ret_transport, struct error *err);
/* Cancels what is under way, closes all connections. Null is allowed. */
void transport_free(struct transport *transport);

struct transport_request {
    const char *method;         /* GET; POST and PUT have an empty body */
    const char *path;           /* after settings->host */
    const struct secret *token; /* sent as bearer; null: none */
    size_t limit;               /* a body of more bytes is refused */
    bool elsewhere; /* not to Connect: no proxy, and no advice about connect.host in errors */
};

/* Borrows the request during the call only. `done` is called later, never from within. */
bool transport_send(struct transport *transport, const struct transport_request *request,
                    struct transport_done done, struct transport_call **ret_call,
                    struct error *err);
/* `done` will not be called. */
void transport_cancel(struct transport_call *call);

/* Of curl and what it is built with. */
const char *transport_library_version(void);
