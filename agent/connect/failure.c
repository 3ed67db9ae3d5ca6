#include "connect/failure.h"

#include <curl/curl.h>

/* `format` takes the host and curl's reason, in this order. */
struct rule {
    CURLcode code;
    enum error_code error;
    const char *text;
    const char *advice;
};

static const struct rule rules[] = {
    {CURLE_COULDNT_RESOLVE_HOST, ERROR_UNREACHABLE, "cannot resolve the name in",
     "check connect.host and the DNS of this container"},
    {CURLE_COULDNT_RESOLVE_PROXY, ERROR_UNREACHABLE, "cannot resolve the proxy for",
     "check http_proxy, https_proxy and no_proxy"},
    {CURLE_COULDNT_CONNECT, ERROR_UNREACHABLE, "cannot connect to",
     "is the Connect server running, and is its port right?"},
    {CURLE_OPERATION_TIMEDOUT, ERROR_UNREACHABLE, "no answer in time from",
     "see connect.requestTimeout; Connect itself can take 10s while it syncs"},
    {CURLE_PEER_FAILED_VERIFICATION, ERROR_UNREACHABLE, "cannot verify the certificate of",
     "set connect.caFile to the CA that signed it, and check the host name"},
    {CURLE_SSL_CACERT_BADFILE, ERROR_UNREACHABLE, "cannot use the CA file for",
     "check connect.caFile"},
    {CURLE_SSL_CERTPROBLEM, ERROR_UNREACHABLE, "cannot use the client certificate for",
     "check connect.clientCertFile and connect.clientKeyFile"},
    {CURLE_SSL_CONNECT_ERROR, ERROR_UNREACHABLE, "no TLS with",
     "does the server speak https on this port?"},
    {CURLE_UNSUPPORTED_PROTOCOL, ERROR_PROTOCOL, "no HTTP from",
     "something else listens there: check connect.host"},
    {CURLE_WEIRD_SERVER_REPLY, ERROR_PROTOCOL, "no HTTP from",
     "something else listens there: check connect.host"},
    {CURLE_GOT_NOTHING, ERROR_UNREACHABLE, "connection closed without an answer by",
     "it may be restarting, not speak http on this port, or with https want another client "
     "certificate"},
    {CURLE_PARTIAL_FILE, ERROR_PROTOCOL, "answer cut off by", "a proxy or the server gave up"},
    {CURLE_RECV_ERROR, ERROR_UNREACHABLE, "connection lost to",
     "it may be restarting, or with https want another client certificate"},
    {CURLE_SEND_ERROR, ERROR_UNREACHABLE, "connection lost to",
     "it may be restarting, or with https want another client certificate"},
};

static bool describe_size(const struct failure *failure, struct error *ret_error)
{
    const char *host = failure->settings->host;
    if (failure->headers_too_large) {
        error_set(ret_error, ERROR_PROTOCOL, "headers larger than %d bytes from %s", LIMIT_HEADERS,
                  host);
        return true;
    }
    if (failure->body_too_large || failure->code == CURLE_FILESIZE_EXCEEDED) {
        error_set(ret_error, ERROR_PROTOCOL, "answer larger than the limit from %s%s", host,
                  failure->elsewhere ? "" : "; this is not what Connect sends");
        return true;
    }
    return false;
}

void failure_describe(const struct failure *failure, struct error *ret_error)
{
    const char *reason =
        failure->reason[0] ? failure->reason : curl_easy_strerror((CURLcode)failure->code);
    if (describe_size(failure, ret_error)) {
        return;
    }
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if ((int)rules[i].code == failure->code) {
            error_set(ret_error, rules[i].error, "%s %s (%s)%s%s", rules[i].text,
                      failure->settings->host, reason, failure->elsewhere ? "" : "; ",
                      failure->elsewhere ? "" : rules[i].advice);
            return;
        }
    }
    error_set(ret_error, ERROR_UNREACHABLE, "request to %s failed: %s", failure->settings->host,
              reason);
}
