/* Requests to Connect that heal: queued, a bounded number in flight, tried again as design.md says
 * ("Failing"). While the server is down, one probe at a time goes to it, whatever is queued. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/secret.h"
#include "io/loop.h"
#include "model/settings.h"

enum client_endpoint {
    CLIENT_VAULTS, /* list of vaults */
    CLIENT_VAULT,  /* one vault */
    CLIENT_ITEMS,  /* item summaries of a vault */
    CLIENT_ITEM,   /* one item: reported to 1Password as usage */
    CLIENT_FILE,   /* content of an attachment */
    CLIENT_ENDPOINTS,
};

/* What the client tells of itself; core makes logs and metrics of it. All are called from within
 * the loop; none may call the client. */
struct client_observer {
    void *context;
    /* `status` is 0 when no answer came. */
    void (*answered)(void *context, enum client_endpoint endpoint, const char *path, long status,
                     uint64_t duration_ms, size_t size);
    /* A try failed and will be repeated after `delay_ms`. */
    void (*failing)(void *context, enum client_endpoint endpoint, const struct error *error,
                    unsigned tries, uint64_t delay_ms);
    /* A success after `failures` failed tries, of this request or of the server as a whole. */
    void (*recovered)(void *context, unsigned failures);
};

/* The owner of a request. Either is called once in the end, from within the loop, and may start
 * requests and cancel all, but not free the client. */
struct client_owner {
    /* Takes the answer (borrowed during the call), or returns false because it is not what Connect
     * sends: then nothing may have changed, and the request is tried again. */
    bool (*take)(void *context, const struct secret *body, struct error *err);
    /* It failed for good. */
    void (*fail)(void *context, const struct error *error);
    void *context;
};

struct client;

/* Borrows everything until client_free. */
bool client_new(struct loop *loop, const struct settings *settings,
                const struct client_observer *observer, struct client **ret_client,
                struct error *err);
void client_free(struct client *client); /* null is allowed */

/* The bearer token, borrowed until it is replaced; a new one also ends the waiting of requests that
 * the old one was refused for. */
void client_set_token(struct client *client, const struct secret *token);

/* Without patience (the default is with), a refusal is final at the first try: for a client that
 * was refused before, and asks now and then. */
void client_set_patience(struct client *client, bool patient);

/* No request is tried, or waited for, later than this time of the loop's clock (ms). */
void client_set_deadline(struct client *client, uint64_t deadline_ms);

bool client_get(struct client *client, enum client_endpoint endpoint, const char *path,
                struct client_owner owner, struct error *err);
/* Drops every request, queued or in flight; no callback is called. */
void client_cancel(struct client *client);

const char *client_endpoint_name(enum client_endpoint endpoint);
