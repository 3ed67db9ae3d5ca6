#include "connect/status.h"

#include <stdio.h>

#include "base/json.h"

enum { SERVER_MESSAGE = 256 };

/* The `message` member of Connect's error object, printable and short; empty when there is none. */
static void server_message(const struct transport_answer *answer, char out[SERVER_MESSAGE])
{
    struct cJSON *json;
    struct error ignored;
    out[0] = '\0';
    if (!json_parse(secret_str(answer->body), &json, &ignored)) {
        return;
    }
    struct str message = json_text(json, "message");
    if (message.size > 0) {
        char shown[SERVER_MESSAGE - 8];
        str_print(message, shown, sizeof(shown));
        snprintf(out, SERVER_MESSAGE, ": \"%s\"", shown);
    }
    json_free(json);
}

static bool check_gone(enum client_endpoint endpoint, const char *message, struct error *err)
{
    if (endpoint == CLIENT_VAULTS) {
        return error_set(err, ERROR_PROTOCOL,
                         "no Connect API at this address (404)%s; check connect.host and its path",
                         message);
    }
    return error_set(err, ERROR_GONE,
                     "Connect does not find the %s (404)%s; it may have been "
                     "removed, or not be synced yet",
                     client_endpoint_name(endpoint), message);
}

static bool check_refusal(enum client_endpoint endpoint, long status, const char *message,
                          struct error *err)
{
    switch (status) {
    case 400:
        return error_set(err, ERROR_REQUEST, "Connect refuses the request as malformed (400)%s",
                         message);
    case 401:
        return error_set(err, ERROR_TOKEN, "Connect rejects the token (401)%s", message);
    case 403:
        return error_set(err, ERROR_FORBIDDEN, "Connect denies access (403)%s", message);
    case 404:
        return check_gone(endpoint, message, err);
    case 408:
        return error_set(err, ERROR_UNREACHABLE, "Connect is still syncing (408)%s", message);
    case 429:
        return error_set(err, ERROR_UNREACHABLE, "too many requests (429)%s", message);
    default:
        break;
    }
    if (status >= 500) {
        return error_set(err, ERROR_UNREACHABLE, "Connect, or a proxy before it, failed (%ld)%s",
                         status, message);
    }
    if (status >= 300 && status < 400) {
        return error_set(err, ERROR_PROTOCOL,
                         "redirected (%ld); connect-agent follows no redirects with a token: set "
                         "connect.host to the final address",
                         status);
    }
    return error_set(err, ERROR_PROTOCOL, "unexpected status %ld%s", status, message);
}

bool status_check(enum client_endpoint endpoint, const struct transport_answer *answer,
                  struct error *err)
{
    char message[SERVER_MESSAGE];
    if (answer->status == 200 && endpoint == CLIENT_FILE) {
        return true; /* an attachment may be anything, HTML too */
    }
    if (answer->is_html && answer->status < 400) {
        return error_set(err, ERROR_PROTOCOL,
                         "an HTML page instead of JSON (%ld): a proxy or a sign-in page answers; "
                         "check connect.host",
                         answer->status);
    }
    if (answer->status == 200) {
        return true;
    }
    server_message(answer, message);
    return check_refusal(endpoint, answer->status, message, err);
}
