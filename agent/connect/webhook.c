#include "connect/webhook.h"

#include <stdlib.h>
#include <string.h>

struct webhook {
    struct settings settings; /* of this request alone */
    struct transport *transport;
};

static bool set_settings(struct settings *settings, const struct webhook_request *request,
                         struct error *err)
{
    settings->request_timeout_ms = request->timeout_ms;
    settings->host = strdup(request->url);
    settings->ca_file = request->ca_file ? strdup(request->ca_file) : NULL;
    return (settings->host && (settings->ca_file || !request->ca_file)) ||
           error_set(err, ERROR_MEMORY, "out of memory");
}

bool webhook_start(struct loop *loop, const struct webhook_request *request,
                   struct transport_done done, struct webhook **ret_webhook, struct error *err)
{
    struct transport_call *call; /* ends with the transport */
    struct webhook *webhook = calloc(1, sizeof(*webhook));
    if (!webhook) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    const struct transport_request wanted = {
        .method = request->method, .path = "", .limit = request->limit, .elsewhere = true};
    if (!set_settings(&webhook->settings, request, err) ||
        !transport_new(loop, &webhook->settings, &webhook->transport, err) ||
        !transport_send(webhook->transport, &wanted, done, &call, err)) {
        webhook_free(webhook);
        return false;
    }
    *ret_webhook = webhook;
    return true;
}

void webhook_free(struct webhook *webhook)
{
    if (webhook) {
        transport_free(webhook->transport);
        settings_done(&webhook->settings);
        free(webhook);
    }
}
