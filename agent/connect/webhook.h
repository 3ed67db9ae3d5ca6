/* One request to somebody who is not Connect: without token, client certificate or proxy, with an
 * empty body; redirects are not followed. Certificates are verified as those of Connect. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "connect/transport.h"
#include "io/loop.h"

struct webhook_request {
    const char *url; /* all borrowed during the call */
    const char *method;
    const char *ca_file; /* null: the system's store */
    uint64_t timeout_ms;
    size_t limit; /* of the answer, bytes */
};

struct webhook;

/* `done` is called later, never from within; it may not free the webhook. */
bool webhook_start(struct loop *loop, const struct webhook_request *request,
                   struct transport_done done, struct webhook **ret_webhook, struct error *err);
/* Cancels. Null is allowed. */
void webhook_free(struct webhook *webhook);
