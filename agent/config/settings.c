#include "config/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "config/address.h"
#include "config/shape.h"

#define SECOND ((uint64_t)1000)
#define DAY (SECOND * 24 * 3600)

static const char default_token_file[] = "/var/run/secrets/connect/token";
static const char default_listen[] = "127.0.0.1:9180";

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
                        "address:port of metrics and health, 127.0.0.1:9180; off: none"},
};

const struct setting_info *settings_describe(enum setting setting)
{
    return &table[setting];
}

bool settings_find(struct str key, enum setting *ret_setting)
{
    for (int i = 0; i < SETTINGS; i++) {
        if (str_is(key, table[i].key)) {
            *ret_setting = (enum setting)i;
            return true;
        }
    }
    return false;
}

const struct shape *settings_shape(enum setting setting)
{
    static const struct shape shapes[] = {
        [SETTING_URL] = {.kind = SHAPE_SCALAR,
                         .expected = "a URL such as http://onepassword-connect:8080",
                         .pattern = "^https?://[^/@?#]+(/[^@?#]*)?$"},
        [SETTING_PATH] = {.kind = SHAPE_SCALAR,
                          .expected = "the path of a file",
                          .also = SHAPE_NUMBER | SHAPE_BOOLEAN,
                          .pattern = "^.+$"},
        [SETTING_DURATION] = {.kind = SHAPE_SCALAR,
                              .expected = "a duration such as 60s",
                              .pattern = "^([0-9]+(ms|s|m|h|d))+$"},
        [SETTING_ADDRESS] = {.kind = SHAPE_SCALAR,
                             .expected = "an address such as 127.0.0.1:9180, or off",
                             .pattern = "^$|^off$|^[0-9.]+:[0-9]+$|^\\[.+\\]:[0-9]+$"},
    };
    return &shapes[table[setting].type];
}

void settings_init(struct settings *settings)
{
    *settings = (struct settings){.request_timeout_ms = 15 * SECOND, .interval_ms = 60 * SECOND};
}

static bool check_path(struct str text, struct error *err)
{
    if (text.size == 0) {
        return error_set(err, ERROR_TEMPLATE, "the path is empty");
    }
    return !memchr(text.bytes, '\0', text.size) ||
           error_set(err, ERROR_TEMPLATE, "NUL in the path");
}

/* A token in the place of its file's name must not get into a message later. */
static bool check_token_file(struct str text, struct error *err)
{
    bool token =
        str_starts(text, "ops_") || (str_starts(text, "eyJ") && str_find(text, 0, ".") < text.size);
    return !token || error_set(err, ERROR_TEMPLATE,
                               "that is a token, and this is for the path of a file that holds it");
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
        return address_check_url(text, &text, err) && set_text(string, text, err);
    case SETTING_PATH:
        return check_path(text, err) &&
               (setting != SETTING_TOKEN_FILE || check_token_file(text, err)) &&
               set_text(string, text, err);
    case SETTING_ADDRESS:
        if (text.size == 0 || str_is(text, "off")) { /* no listener */
            return set_text(string, str_from(""), err);
        }
        return address_check_listen(text, err) && set_text(string, text, err);
    case SETTING_DURATION:
        return set_duration(info, (uint64_t *)(void *)base, text, err);
    }
    return false;
}

static bool override(struct settings *settings, enum setting setting, const char *origin,
                     const char *name, const char *value, struct findings *findings)
{
    struct error error;
    if (settings_set(settings, setting, str_from(value), &error)) {
        return true;
    }
    error.code = error.code == ERROR_MEMORY ? ERROR_MEMORY : ERROR_USAGE;
    error_wrap(&error, "%s %s", origin, name);
    return findings_add(findings, (struct place){.line = 0}, &error);
}

/* Null when it is unset or empty. */
static const char *look_up(const struct overrides *overrides, const char *name)
{
    const char *value = overrides->environment ? overrides->environment(name) : NULL;
    return value && value[0] ? value : NULL;
}

static bool set_default(char **into, const char *value, struct findings *findings)
{
    struct error error;
    return *into || set_text(into, str_from(value), &error) ||
           findings_add(findings, (struct place){.line = 0}, &error);
}

bool settings_override(struct settings *settings, const struct overrides *overrides,
                       struct findings *findings)
{
    bool ok = true;
    for (int i = 0; i < SETTINGS; i++) {
        enum setting setting = (enum setting)i;
        const char *variable = look_up(overrides, table[i].env);
        const char *flag = overrides->flags[i];
        if (flag) {
            ok = override(settings, setting, "option", table[i].flag, flag, findings) && ok;
        } else if (variable) {
            ok = override(settings, setting, "environment variable", table[i].env, variable,
                          findings) &&
                 ok;
        }
    }
    if (!look_up(overrides, "OP_CONNECT_TOKEN")) {
        ok = set_default(&settings->token_file, default_token_file, findings) && ok;
    }
    return set_default(&settings->listen, default_listen, findings) && ok;
}

bool settings_require_host(const struct settings *settings, struct error *err)
{
    return settings->host ||
           error_set(err, ERROR_USAGE,
                     "no Connect host: set connect.host in the template, OP_CONNECT_HOST or "
                     "--connect-host");
}
