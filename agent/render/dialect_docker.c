/* `docker run --env-file`, compose `format: raw`: a line is NAME=value, verbatim. */
#include <string.h>

#include "render/dialect.h"

enum { LINE_LIMIT = 64 << 10 }; /* of Go's bufio.Scanner: a line and its end must be shorter */

static bool check(struct str value, struct error *err)
{
    if (!dialect_refuse_byte(value, '\n', "a line feed",
                             "docker cannot carry; use dialect sh, compose, systemd or kubernetes",
                             err) ||
        !dialect_refuse_byte(value, '\0', "NUL", "no env file can carry: publish it as a file",
                             err) ||
        !dialect_require_utf8(value, "docker cannot carry; use dialect sh or compose", err)) {
        return false;
    }
    return value.size == 0 || value.bytes[value.size - 1] != '\r' ||
           error_set(err, ERROR_CONTENT,
                     "ends in a carriage return, which docker drops; use dialect sh, compose or "
                     "systemd");
}

static bool write(const struct env_entry *entry, struct secret *into, struct error *err)
{
    size_t size = strlen(entry->name) + 1 + secret_size(entry->value) + 1;
    if (size >= LINE_LIMIT) {
        return error_set(
            err, ERROR_CONTENT,
            "makes a line of %zu bytes, and docker reads less than %d; publish it as a "
            "file",
            size, LINE_LIMIT);
    }
    return secret_append(into, str_from(entry->name), err) &&
           secret_append(into, str_from("="), err) &&
           secret_append_secret(into, entry->value, err) &&
           secret_append(into, str_from("\n"), err);
}

static bool read_line(struct dialect_cursor *cursor, struct str line,
                      const struct env_reader *reader, struct error *err)
{
    struct dialect_cursor in_line = {line, 0};
    struct str name = dialect_name_at(&in_line);
    if (name.size == 0 || dialect_peek(&in_line, 0) != '=') {
        return dialect_fail(cursor, "no assignment", err);
    }
    SECRET_AUTO value = secret_new(line.size);
    if (!value) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    return secret_append(value, str_slice(line, in_line.at + 1, line.size), err) &&
           reader->each(reader->context, name, value, err);
}

static bool read(struct str text, const struct env_reader *reader, struct error *err)
{
    struct dialect_cursor cursor = {text, str_starts(text, "\xef\xbb\xbf") ? 3 : 0};
    while (dialect_peek(&cursor, 0) >= 0) {
        size_t end = str_find(text, cursor.at, "\n");
        struct str line = str_slice(text, cursor.at, end);
        if (line.size + 1 >= LINE_LIMIT || !str_is_utf8(line)) {
            return dialect_fail(&cursor, "a line that is too long, or not UTF-8,", err);
        }
        if (line.size > 0 && line.bytes[line.size - 1] == '\r') {
            line.size--;
        }
        bool skipped = str_trim(line).size == 0 || line.bytes[0] == '#';
        if (!skipped && !read_line(&cursor, line, reader, err)) {
            return false;
        }
        cursor.at = end + 1;
    }
    return true;
}

const struct dialect_rules dialect_docker = {check, write, 0, {{"docker", read}}};
