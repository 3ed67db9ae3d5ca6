#include "connect/token.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/json.h"
#include "io/file.h"

enum { JWT_DOTS = 2, SIGNATURE_SHORTEST = 40 }; /* ES256: 86 base64url characters */

static bool check_characters(struct str text, const char *source, struct error *err)
{
    size_t dots = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.bytes[i];
        bool known = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '=' || c == '.';
        if (!known) {
            return error_set(err, ERROR_TOKEN_FILE,
                             "%s: not a Connect token: a character that none has, at byte %zu; the "
                             "file must hold the token and nothing else",
                             source, i);
        }
        dots += c == '.';
    }
    if (dots != JWT_DOTS || text.bytes[0] == '.' || text.bytes[text.size - 1] == '.') {
        return error_set(
            err, ERROR_TOKEN_FILE,
            "%s: not a Connect token, or cut off: %zu bytes in %zu parts where a token "
            "has 3 parts joined by dots",
            source, text.size, dots + 1);
    }
    return true;
}

static bool check(struct str text, const char *source, struct error *err)
{
    if (text.size == 0) {
        return error_set(err, ERROR_TOKEN_FILE,
                         "%s: the token is empty; is the Secret filled and mounted?", source);
    }
    if (str_starts(text, "ops_")) {
        return error_set(err, ERROR_TOKEN_FILE,
                         "%s: this is a service-account token (ops_…), which belongs to another "
                         "product; create an access token of the Connect server",
                         source);
    }
    if (!check_characters(text, source, err)) {
        return false;
    }
    const char *signature = memrchr(text.bytes, '.', text.size);
    size_t signature_size = (size_t)(text.bytes + text.size - signature - 1);
    if (text.size < LIMIT_TOKEN_SHORTEST || signature_size < SIGNATURE_SHORTEST) {
        return error_set(err, ERROR_TOKEN_FILE,
                         "%s: the token is cut off: %zu bytes, %zu of them signature; copy it anew",
                         source, text.size, signature_size);
    }
    return true;
}

/* The payload is decoded and parsed in wiping memory; it holds a secret claim. */
static void read_claims(struct token *token)
{
    struct error ignored;
    struct str text = secret_str(token->bytes);
    size_t first = str_find(text, 0, ".");
    size_t second = str_find(text, first + 1, ".");
    SECRET_AUTO payload = secret_new(LIMIT_TOKEN);
    struct cJSON *claims;
    uint64_t expires;
    if (!payload || !base64_decode(str_slice(text, first + 1, second), payload, &ignored) ||
        !json_parse(secret_str(payload), &claims, &ignored)) {
        return;
    }
    if (json_number(claims, "exp", &expires)) {
        token->expires = (int64_t)expires;
    }
    json_free(claims);
}

static bool read_file(const char *path, struct secret *raw, unsigned *ret_mode, struct error *err)
{
    if (file_read_secret(path, ERROR_TOKEN_FILE, raw, ret_mode, err)) {
        return true;
    }
    if (err->number == ENOENT) {
        return error_set(err, ERROR_TOKEN_FILE,
                         "%s: no token file; mount the Connect token there, or set "
                         "connect.tokenFile or OP_CONNECT_TOKEN_FILE",
                         path);
    }
    if (err->number == EACCES) {
        return error_set(err, ERROR_TOKEN_FILE,
                         "%s: uid %u, gid %u may not read the token file; make it readable for "
                         "that user (Kubernetes `fsGroup:`, compose `user:`) or run as its owner",
                         path, (unsigned)geteuid(), (unsigned)getegid());
    }
    return error_wrap(err, "token file");
}

bool token_read(const struct settings *settings, const char *variable, struct token *ret_token,
                struct error *err)
{
    const char *source = settings->token_file ? settings->token_file : "OP_CONNECT_TOKEN";
    struct token token = {0};
    unsigned mode = 0;
    SECRET_AUTO raw = secret_new(LIMIT_TOKEN);
    SECRET_AUTO bytes = secret_new(LIMIT_TOKEN);
    if (!raw || !bytes) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (settings->token_file ? !read_file(settings->token_file, raw, &mode, err)
                             : !secret_append(raw, str_from(variable), err)) {
        return false;
    }
    struct str text = str_trim(secret_str(raw));
    if (!check(text, source, err) || !secret_append(bytes, text, err)) {
        return false;
    }
    token.bytes = bytes;
    bytes = NULL;
    token.readable_by_all = (mode & S_IROTH) != 0;
    read_claims(&token);
    *ret_token = token;
    return true;
}

void token_done(struct token *token)
{
    secret_free(token->bytes);
    *token = (struct token){0};
}

void token_explain(const struct token *token, int64_t now, struct error *refusal)
{
    char server[LIMIT_MESSAGE];
    char date[32];
    struct tm parts;
    time_t expires = (time_t)token->expires;
    memcpy(server, refusal->message, sizeof(server));
    if (token->expires == 0 || token->expires > now || !gmtime_r(&expires, &parts)) {
        error_set(
            refusal, refusal->code,
            "%s; it may be revoked, or of another Connect server: create a new one and replace "
            "the token file",
            server);
        return;
    }
    strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &parts);
    error_set(
        refusal, refusal->code,
        "%s; by its own account it expired on %s: create a new one and replace the token file",
        server, date);
}
