/* systemd.exec(5), EnvironmentFile=. */
#include <string.h>

#include "render/dialect.h"

static bool check(struct str value, struct error *err)
{
    return dialect_refuse_byte(value, '\0', "NUL", "no env file can carry: publish it as a file",
                               err) &&
           dialect_require_utf8(value, "systemd cannot carry; use dialect sh or compose", err);
}

static bool write(const struct env_entry *entry, struct secret *into, struct error *err)
{
    return dialect_write_quoted(entry, '"', "\\\"$`", into, err);
}

/* In double quotes a backslash goes only before " \ ` $ and, with it, a line feed. */
static bool read_quoted(struct dialect_cursor *cursor, struct secret *value, struct error *err)
{
    int quote = dialect_peek(cursor, 0);
    int c;
    for (cursor->at++; (c = dialect_peek(cursor, 0)) != quote; cursor->at++) {
        int next = dialect_peek(cursor, 1);
        if (c < 0) {
            return dialect_fail(cursor, "a quote is not closed", err);
        }
        if (quote == '"' && c == '\\' && next > 0 && strchr("\"\\`$\n", next)) {
            cursor->at++;
            if (next == '\n') {
                continue;
            }
        }
        if (!dialect_put(value, cursor->text.bytes[cursor->at], err)) {
            return false;
        }
    }
    cursor->at++;
    return true;
}

static bool read_bare(struct dialect_cursor *cursor, struct secret *value, struct error *err)
{
    if (dialect_peek(cursor, 0) == '\\' && dialect_peek(cursor, 1) >= 0) {
        cursor->at++;
        if (dialect_peek(cursor, 0) == '\n') {
            cursor->at++;
            return true;
        }
    }
    return dialect_put(value, cursor->text.bytes[cursor->at++], err);
}

/* Quoted pieces may follow each other; blanks between them are skipped. */
static bool read_value(struct dialect_cursor *cursor, struct secret *value, struct error *err)
{
    bool ok = true;
    dialect_skip(cursor, " \t");
    while (ok && dialect_peek(cursor, 0) >= 0 && dialect_peek(cursor, 0) != '\n') {
        int c = dialect_peek(cursor, 0);
        if (c == '\'' || c == '"') {
            ok = read_quoted(cursor, value, err);
            dialect_skip(cursor, " \t");
        } else {
            ok = read_bare(cursor, value, err);
        }
    }
    return ok;
}

static void skip_comments(struct dialect_cursor *cursor)
{
    dialect_skip(cursor, " \t\r\n");
    while (dialect_peek(cursor, 0) == '#' || dialect_peek(cursor, 0) == ';') {
        cursor->at = str_find(cursor->text, cursor->at, "\n");
        dialect_skip(cursor, " \t\r\n");
    }
}

bool dialect_systemd_read(struct str text, const struct env_reader *reader, struct error *err)
{
    struct dialect_cursor cursor = {text, 0};
    for (;;) {
        skip_comments(&cursor);
        if (dialect_peek(&cursor, 0) < 0) {
            return true;
        }
        struct str name = dialect_name_at(&cursor);
        if (name.size == 0 || dialect_peek(&cursor, 0) != '=') {
            return dialect_fail(&cursor, "no assignment", err);
        }
        cursor.at++;
        SECRET_AUTO value = secret_new(text.size);
        if (!value) {
            return error_set(err, ERROR_MEMORY, "out of memory");
        }
        if (!read_value(&cursor, value, err)) {
            return false;
        }
        if (!str_is_utf8(secret_str(value))) {
            return dialect_fail(&cursor, "a value that is not UTF-8 before", err);
        }
        if (!reader->each(reader->context, name, value, err)) {
            return false;
        }
    }
}

const struct dialect_rules dialect_systemd = {check, write, 0, {{"systemd", dialect_systemd_read}}};
