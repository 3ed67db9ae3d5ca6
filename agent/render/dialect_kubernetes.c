/* The kubelet's reader of `fileKeyRef` (KEP-3721): NAME='value' and nothing else. */
#include <string.h>

#include "render/dialect.h"

enum { VALUE_LIMIT = 32 << 10, FILE_LIMIT = 64 << 10 };

static bool check(struct str value, struct error *err)
{
    if (!dialect_refuse_byte(value, '\'', "a single quote",
                             "the kubelet cannot carry; publish it as a file", err) ||
        !dialect_refuse_byte(value, '\0', "NUL", "no env file can carry: publish it as a file",
                             err)) {
        return false;
    }
    if (str_find(value, 0, "\r\n") < value.size) {
        return error_set(
            err, ERROR_CONTENT,
            "holds CR LF at byte %zu, which the kubelet turns into LF; publish it as a "
            "file",
            str_find(value, 0, "\r\n"));
    }
    return value.size <= VALUE_LIMIT ||
           error_set(err, ERROR_CONTENT,
                     "has %zu bytes, and the kubelet takes at most %d; publish it as a file",
                     value.size, VALUE_LIMIT);
}

static bool write(const struct env_entry *entry, struct secret *into, struct error *err)
{
    return dialect_write_quoted(entry, '\'', "", into, err);
}

static bool read(struct str text, const struct env_reader *reader, struct error *err)
{
    struct dialect_cursor cursor = {text, 0};
    while (dialect_peek(&cursor, 0) >= 0) {
        struct str name = dialect_name_at(&cursor);
        if (name.size == 0 || dialect_peek(&cursor, 0) != '=' || dialect_peek(&cursor, 1) != '\'') {
            return dialect_fail(&cursor, "not NAME='value'", err);
        }
        size_t from = cursor.at + 2;
        size_t end = str_find(text, from, "'");
        if (end == text.size || (end + 1 < text.size && text.bytes[end + 1] != '\n')) {
            return dialect_fail(&cursor, "not NAME='value'", err);
        }
        SECRET_AUTO value = secret_new(text.size);
        if (!value) {
            return error_set(err, ERROR_MEMORY, "out of memory");
        }
        if (!secret_append(value, str_slice(text, from, end), err) ||
            !reader->each(reader->context, name, value, err)) {
            return false;
        }
        cursor.at = end + 2;
    }
    return true;
}

const struct dialect_rules dialect_kubernetes = {check, write, FILE_LIMIT, {{"the kubelet", read}}};
