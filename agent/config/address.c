#include "config/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/parse.h"

enum { SHOWN = 128, PORT_LARGEST = 65535 };

struct authority {
    struct str host; /* without the brackets of IPv6 */
    struct str port;
    bool has_port;
    bool is_bracketed;
};

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool split(struct str text, struct authority *ret_authority)
{
    struct authority authority = {.is_bracketed = str_starts(text, "[")};
    size_t end = str_find(text, 0, authority.is_bracketed ? "]" : ":");
    authority.host = str_slice(text, authority.is_bracketed, end);
    if (authority.is_bracketed) {
        if (end == text.size) {
            return false;
        }
        end++;
    }
    authority.has_port = end < text.size;
    if (authority.has_port && text.bytes[end] != ':') {
        return false;
    }
    authority.port = str_slice(text, end + 1, text.size);
    *ret_authority = authority;
    return true;
}

static bool is_numeric(const struct authority *authority)
{
    char host[INET6_ADDRSTRLEN];
    unsigned char address[sizeof(struct in6_addr)];
    if (authority->host.size == 0 || authority->host.size >= sizeof(host)) {
        return false;
    }
    memcpy(host, authority->host.bytes, authority->host.size);
    host[authority->host.size] = '\0';
    return inet_pton(authority->is_bracketed ? AF_INET6 : AF_INET, host, address) == 1;
}

static bool is_port(struct str text)
{
    uint64_t port;
    return parse_number(text, PORT_LARGEST, &port) && port > 0;
}

static bool is_name(struct str host)
{
    for (size_t i = 0; i < host.size; i++) {
        if (!is_alphanumeric(host.bytes[i]) && !is_one_of(host.bytes[i], "-._")) {
            return false;
        }
    }
    return host.size > 0;
}

static bool check_authority(struct str text, struct error *err)
{
    struct authority authority;
    if (!split(text, &authority) ||
        !(authority.is_bracketed ? is_numeric(&authority) : is_name(authority.host))) {
        return error_set(err, ERROR_TEMPLATE,
                         "expected a host after :// , such as http://onepassword-connect:8080");
    }
    return !authority.has_port || is_port(authority.port) ||
           error_set(err, ERROR_TEMPLATE, "expected a port from 1 to 65535 after the host");
}

static bool check_prefix(struct str text, struct error *err)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_alphanumeric(text.bytes[i]) && !is_one_of(text.bytes[i], "/-._~%!$&'()*+,;=:")) {
            return error_set(err, ERROR_TEMPLATE,
                             "the URL ends with its path: no query, fragment "
                             "or character that a path cannot hold");
        }
    }
    return true;
}

static bool refuse_scheme(struct str text, struct error *err)
{
    char shown[SHOWN];
    str_print(text, shown, sizeof(shown));
    if (str_find(text, 0, "://") < text.size) {
        return error_set(err, ERROR_TEMPLATE, "expected http:// or https://, found \"%s\"", shown);
    }
    return text.size == 0
               ? error_set(err, ERROR_TEMPLATE, "expected a URL, found nothing")
               : error_set(err, ERROR_TEMPLATE, "expected a URL; did you mean http://%s?", shown);
}

bool address_check_url(struct str text, struct str *ret_url, struct error *err)
{
    size_t host = str_starts(text, "https://") ? sizeof("https://") - 1 : sizeof("http://") - 1;
    size_t path = str_find(text, host, "/");
    if (str_find(text, 0, "@") < text.size) { /* what stands before it is not shown */
        return error_set(err, ERROR_TEMPLATE,
                         "no user and password in the URL: the token is the only credential");
    }
    if (!str_starts(text, "https://") && !str_starts(text, "http://")) {
        return refuse_scheme(text, err);
    }
    while (text.size > path && text.bytes[text.size - 1] == '/') {
        text.size--;
    }
    if (!check_authority(str_slice(text, host, path), err) ||
        !check_prefix(str_slice(text, path, text.size), err)) {
        return false;
    }
    *ret_url = text;
    return true;
}

bool address_check_listen(struct str text, struct error *err)
{
    struct authority authority;
    char shown[SHOWN];
    str_print(text, shown, sizeof(shown));
    return (split(text, &authority) && is_numeric(&authority) && is_port(authority.port)) ||
           error_set(err, ERROR_TEMPLATE,
                     "expected a numeric address and a port such as 127.0.0.1:9180, or off; "
                     "found \"%s\"",
                     shown);
}
