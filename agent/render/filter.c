#include "render/filter.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "render/escape.h"

/* Appends what the filter makes of the text. */
typedef bool filter_function(struct str text, unsigned number, struct secret *into,
                             struct error *err);

static bool put(struct secret *into, char byte, struct error *err)
{
    return secret_append(into, (struct str){&byte, 1}, err);
}

static bool base64(struct str text, unsigned number, struct secret *into, struct error *err)
{
    (void)number;
    return base64_encode(text, BASE64_STANDARD, into, err);
}

static bool base64url(struct str text, unsigned number, struct secret *into, struct error *err)
{
    (void)number;
    return base64_encode(text, BASE64_URL, into, err);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Line ends and blanks do not count: base64 is often folded. */
static bool base64decode(struct str text, unsigned number, struct secret *into, struct error *err)
{
    SECRET_AUTO packed = secret_new(text.size);
    (void)number;
    if (!packed) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    for (size_t from = 0, at = 0; at <= text.size; at++) {
        if (at < text.size && !is_blank(text.bytes[at])) {
            continue;
        }
        if (!secret_append(packed, str_slice(text, from, at), err)) {
            return false;
        }
        from = at + 1;
    }
    return base64_decode(secret_str(packed), into, err) ||
           error_wrap(err, "the value, without its blanks, cannot be decoded");
}

static bool indent(struct str text, unsigned number, struct secret *into, struct error *err)
{
    static const char blanks[] = "                                                                ";
    for (size_t at = 0, end; at < text.size; at = end) {
        end = str_find(text, at, "\n");
        end += end < text.size;
        if (!secret_append(into, (struct str){blanks, number}, err) ||
            !secret_append(into, str_slice(text, at, end), err)) {
            return false;
        }
    }
    return true;
}

static bool json(struct str text, unsigned number, struct secret *into, struct error *err)
{
    (void)number;
    return escape_json(text, into, err);
}

static bool lines(struct str text, unsigned number, struct secret *into, struct error *err)
{
    (void)number;
    for (size_t at = 0; at < text.size; at++) {
        char c = text.bytes[at];
        bool pair = c == '\r' && at + 1 < text.size && text.bytes[at + 1] == '\n';
        if (!pair && !put(into, c == '\r' ? '\n' : c, err)) {
            return false;
        }
    }
    size_t size = secret_size(into);
    return size == 0 || secret_bytes(into)[size - 1] == '\n' || put(into, '\n', err);
}

static bool lower(struct str text, unsigned number, struct secret *into, struct error *err)
{
    bool ok = true;
    (void)number;
    for (size_t at = 0; ok && at < text.size; at++) {
        char c = text.bytes[at];
        ok = put(into, c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c, err);
    }
    return ok;
}

static bool upper(struct str text, unsigned number, struct secret *into, struct error *err)
{
    bool ok = true;
    (void)number;
    for (size_t at = 0; ok && at < text.size; at++) {
        char c = text.bytes[at];
        ok = put(into, c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c, err);
    }
    return ok;
}

static bool sh(struct str text, unsigned number, struct secret *into, struct error *err)
{
    (void)number;
    return escape_sh(text, into, err);
}

static bool trim(struct str text, unsigned number, struct secret *into, struct error *err)
{
    (void)number;
    return secret_append(into, str_trim(text), err);
}

/* RFC 3986, 2.3: what is unreserved stays. */
static bool urlencode(struct str text, unsigned number, struct secret *into, struct error *err)
{
    bool ok = true;
    (void)number;
    for (size_t at = 0; ok && at < text.size; at++) {
        char c = text.bytes[at];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c != '\0' && strchr("-._~", c));
        char code[4];
        snprintf(code, sizeof(code), "%%%02X", (unsigned)(unsigned char)c);
        ok = plain ? put(into, c, err) : secret_append(into, str_from(code), err);
    }
    return ok;
}

static bool xml(struct str text, unsigned number, struct secret *into, struct error *err)
{
    (void)number;
    return escape_xml(text, into, err);
}

static filter_function *const functions[FILTERS] = {
    [FILTER_BASE64] = base64,
    [FILTER_BASE64URL] = base64url,
    [FILTER_BASE64DECODE] = base64decode,
    [FILTER_INDENT] = indent,
    [FILTER_JSON] = json,
    [FILTER_LINES] = lines,
    [FILTER_LOWER] = lower,
    [FILTER_SH] = sh,
    [FILTER_TRIM] = trim,
    [FILTER_UPPER] = upper,
    [FILTER_URLENCODE] = urlencode,
    [FILTER_XML] = xml,
};

bool filter_apply(struct str bytes, const struct filter_use filters[], size_t count,
                  struct secret *into, struct error *err)
{
    SECRET_AUTO before = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct filter_use *use = &filters[i];
        struct secret *after = secret_new(LIMIT_OUTPUT_FILE);
        bool ok = after ? functions[use->filter](bytes, use->number, after, err)
                        : error_set(err, ERROR_MEMORY, "out of memory");
        secret_free(before);
        before = after;
        if (!ok) {
            return error_wrap(err, "filter %s", filter_name(use->filter));
        }
        bytes = secret_str(after);
    }
    return secret_append(into, bytes, err);
}
