#include "config/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

#define SECOND ((uint64_t)1000)
#define DAY (24 * 3600 * SECOND)

static const char default_token_file[] = "/var/run/secrets/connect/token";

static const struct setting_info table[SETTINGS] = {
    [SETTING_HOST] = {"connect", "host", "OP_CONNECT_HOST", "--connect-host", SETTING_URL,
                      offsetof(struct settings, host), 0, 0, "URL of the Connect server"},
    [SETTING_TOKEN_FILE] = {"connect", "tokenFile", "OP_CONNECT_TOKEN_FILE", "--connect-token-file",
                            SETTING_PATH, offsetof(struct settings, token_file), 0, 0,
                            "file with the access token"},
    [SETTING_CA_FILE] = {"connect", "caFile", "CONNECT_AGENT_CA_FILE", "--connect-ca-file",
                         SETTING_PATH, offsetof(struct settings, ca_file), 0, 0,
                         "CA certificates in PEM, instead of the system's"},
    [SETTING_CLIENT_CERT_FILE] = {"connect", "clientCertFile", "CONNECT_AGENT_CLIENT_CERT_FILE",
                                  "--connect-client-cert-file", SETTING_PATH,
                                  offsetof(struct settings, client_cert_file), 0, 0,
                                  "client certificate in PEM"},
    [SETTING_CLIENT_KEY_FILE] = {"connect", "clientKeyFile", "CONNECT_AGENT_CLIENT_KEY_FILE",
                                 "--connect-client-key-file", SETTING_PATH,
                                 offsetof(struct settings, client_key_file), 0, 0,
                                 "its private key in PEM"},
    [SETTING_REQUEST_TIMEOUT] = {"connect", "requestTimeout", "CONNECT_AGENT_REQUEST_TIMEOUT",
                                 "--request-timeout", SETTING_DURATION,
                                 offsetof(struct settings, request_timeout_ms), SECOND,
                                 600 * SECOND, "limit of one request, 15s"},
    [SETTING_INTERVAL] = {"refresh", "interval", "CONNECT_AGENT_INTERVAL", "--interval",
                          SETTING_DURATION, offsetof(struct settings, interval_ms), SECOND, DAY,
                          "how often each vault is asked for changes, 60s"},
    [SETTING_MAX_STALE] = {"refresh", "maxStale", "CONNECT_AGENT_MAX_STALE", "--max-stale",
                           SETTING_DURATION, offsetof(struct settings, max_stale_ms), SECOND,
                           365 * DAY, "not ready after this long without success"},
    [SETTING_LISTEN] = {"", "listen", "CONNECT_AGENT_LISTEN", "--listen", SETTING_ADDRESS,
                        offsetof(struct settings, listen), 0, 0,
                        "address:port of metrics and health"},
};

const struct setting_info *settings_describe(enum setting setting)
{
    return &table[setting];
}

void settings_init(struct settings *settings)
{
    *settings = (struct settings){.request_timeout_ms = 15 * SECOND, .interval_ms = 60 * SECOND};
}

static bool check_url(struct str *text, struct error *err)
{
    bool tls = str_starts(*text, "https://");
    if (!tls && !str_starts(*text, "http://")) {
        if (str_find(*text, 0, "://") < text->size) {
            return error_set(err, ERROR_TEMPLATE, "only http:// and https:// are spoken");
        }
        return error_set(err, ERROR_TEMPLATE, "not a URL; did you mean http://%.*s?",
                         (int)text->size, text->bytes);
    }
    size_t host = tls ? sizeof("https://") - 1 : sizeof("http://") - 1;
    for (size_t i = host; i < text->size; i++) {
        char c = text->bytes[i];
        if (c == '@') { /* what stands before it is not shown */
            return error_set(err, ERROR_TEMPLATE,
                             "no user and password in the URL; the token is "
                             "the only credential");
        }
        if (c == '?' || c == '#' || (unsigned char)c <= ' ' || (unsigned char)c >= 0x7f) {
            return error_set(err, ERROR_TEMPLATE, "a character that a host URL cannot have");
        }
    }
    while (text->size > host && text->bytes[text->size - 1] == '/') {
        text->size--;
    }
    return text->size > host || error_set(err, ERROR_TEMPLATE, "the URL has no host");
}

static bool check_path(struct str text, struct error *err)
{
    if (text.size == 0) {
        return error_set(err, ERROR_TEMPLATE, "the path is empty");
    }
    return !memchr(text.bytes, '\0', text.size) ||
           error_set(err, ERROR_TEMPLATE, "NUL in the path");
}

static bool check_address(struct str text, struct error *err)
{
    size_t colon = text.size;
    uint64_t port;
    while (colon > 0 && text.bytes[colon - 1] != ':') {
        colon--;
    }
    if (colon < 2 || !parse_number(str_slice(text, colon, text.size), 65535, &port)) {
        return error_set(err, ERROR_TEMPLATE,
                         "expected an address and a port such as 127.0.0.1:9180");
    }
    return true;
}

static bool set_text(char **into, struct str text, struct error *err)
{
    char *copy = strndup(text.bytes ? text.bytes : "", text.size);
    if (!copy) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    free(*into);
    *into = copy;
    return true;
}

static bool set_duration(const struct setting_info *info, uint64_t *into, struct str text,
                         struct error *err)
{
    uint64_t ms;
    if (!parse_duration(text, &ms)) {
        return error_set(err, ERROR_TEMPLATE,
                         "\"%.*s\" is not a duration such as 500ms, 60s or 24h",
                         (int)(text.size < 64 ? text.size : 64), text.bytes);
    }
    if (ms < info->shortest_ms || ms > info->longest_ms) {
        return error_set(err, ERROR_TEMPLATE, "the duration must be from %llus to %llus",
                         (unsigned long long)(info->shortest_ms / SECOND),
                         (unsigned long long)(info->longest_ms / SECOND));
    }
    *into = ms;
    return true;
}

bool settings_set(struct settings *settings, enum setting setting, struct str text,
                  struct error *err)
{
    const struct setting_info *info = &table[setting];
    char *base = (char *)settings + info->offset;
    char **string = (char **)(void *)base;
    switch (info->type) {
    case SETTING_URL:
        return check_url(&text, err) && set_text(string, text, err);
    case SETTING_PATH:
        return check_path(text, err) && set_text(string, text, err);
    case SETTING_ADDRESS:
        if (text.size == 0) { /* no listener */
            free(*string);
            *string = NULL;
            return true;
        }
        return check_address(text, err) && set_text(string, text, err);
    case SETTING_DURATION:
        return set_duration(info, (uint64_t *)(void *)base, text, err);
    }
    return false;
}

static bool override(struct settings *settings, enum setting setting, const char *origin,
                     const char *name, const char *value, struct error *err)
{
    if (settings_set(settings, setting, str_from(value), err)) {
        return true;
    }
    err->code = ERROR_USAGE;
    return error_wrap(err, "%s %s", origin, name);
}

bool settings_override(struct settings *settings, const struct overrides *overrides,
                       struct error *err)
{
    for (int i = 0; i < SETTINGS; i++) {
        enum setting setting = (enum setting)i;
        const char *variable = overrides->environment(table[i].env);
        const char *flag = overrides->flags[i];
        if (variable && variable[0] && !flag &&
            !override(settings, setting, "environment variable", table[i].env, variable, err)) {
            return false;
        }
        if (flag && !override(settings, setting, "option", table[i].flag, flag, err)) {
            return false;
        }
    }
    const char *token = overrides->environment("OP_CONNECT_TOKEN");
    if (!settings->token_file && !(token && token[0])) {
        return set_text(&settings->token_file, str_from(default_token_file), err);
    }
    return true;
}

bool settings_require_host(const struct settings *settings, struct error *err)
{
    return settings->host ||
           error_set(err, ERROR_USAGE,
                     "no Connect host: set connect.host in the template, OP_CONNECT_HOST or "
                     "--connect-host");
}
