#include "render/dialect.h"

#include <string.h>

bool dialect_refuse_byte(struct str value, char byte, const char *what, const char *instead,
                         struct error *err)
{
    const char *found = value.size ? memchr(value.bytes, byte, value.size) : NULL;
    return !found || error_set(err, ERROR_CONTENT, "holds %s at byte %zu, which %s", what,
                               (size_t)(found - value.bytes), instead);
}

bool dialect_require_utf8(struct str value, const char *instead, struct error *err)
{
    return str_is_utf8(value) ||
           error_set(err, ERROR_CONTENT, "is not valid UTF-8, which %s", instead);
}

bool dialect_write_quoted(const struct env_entry *entry, char quote, const char *escaped,
                          struct secret *into, struct error *err)
{
    const char around[] = {quote, '\n'};
    struct str value = secret_str(entry->value);
    bool ok = secret_append(into, str_from(entry->name), err) &&
              secret_append(into, str_from("="), err) &&
              secret_append(into, (struct str){around, 1}, err);
    for (size_t i = 0; ok && i < value.size; i++) {
        if (value.bytes[i] != '\0' && strchr(escaped, value.bytes[i])) {
            ok = dialect_put(into, '\\', err);
        }
        ok = ok && dialect_put(into, value.bytes[i], err);
    }
    return ok && secret_append(into, (struct str){around, 2}, err);
}

int dialect_peek(const struct dialect_cursor *cursor, size_t ahead)
{
    size_t at = cursor->at + ahead;
    return at < cursor->text.size ? (unsigned char)cursor->text.bytes[at] : -1;
}

void dialect_skip(struct dialect_cursor *cursor, const char *bytes)
{
    int byte;
    while ((byte = dialect_peek(cursor, 0)) > 0 && strchr(bytes, byte)) {
        cursor->at++;
    }
}

struct str dialect_name_at(struct dialect_cursor *cursor)
{
    size_t from = cursor->at;
    for (;; cursor->at++) {
        int c = dialect_peek(cursor, 0);
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(cursor->at > from && c >= '0' && c <= '9')) {
            return str_slice(cursor->text, from, cursor->at);
        }
    }
}

bool dialect_put(struct secret *value, char byte, struct error *err)
{
    return secret_append(value, (struct str){&byte, 1}, err);
}

bool dialect_fail(const struct dialect_cursor *cursor, const char *what, struct error *err)
{
    return error_set(err, ERROR_CONTENT, "%s at byte %zu", what, cursor->at);
}
