/* docker compose `env_file:` and `.env`: the parser of compose-go. */
#include <string.h>

#include "render/dialect.h"

static bool check(struct str value, struct error *err)
{
    return dialect_refuse_byte(value, '\0', "NUL", "no env file can carry: publish it as a file",
                               err);
}

static bool write(const struct env_entry *entry, struct secret *into, struct error *err)
{
    return dialect_write_quoted(entry, '"', "\\\"$", into, err);
}

static bool read_single(struct dialect_cursor *cursor, struct secret *value, struct error *err)
{
    for (cursor->at++; dialect_peek(cursor, 0) != '\''; cursor->at++) {
        if (dialect_peek(cursor, 0) < 0) {
            return dialect_fail(cursor, "a quote is not closed", err);
        }
        if (dialect_peek(cursor, 0) == '\\' && dialect_peek(cursor, 1) == '\'') {
            cursor->at++;
        }
        if (!dialect_put(value, cursor->text.bytes[cursor->at], err)) {
            return false;
        }
    }
    cursor->at++;
    return true;
}

/* The byte that a backslash and `c` mean; 0 when the backslash stays. */
static char escape(int c)
{
    static const char from[] = "abcfnrtv$\"\\";
    static const char to[] = "\a\b\0\f\n\r\t\v$\"\\";
    const char *found = c > 0 ? strchr(from, c) : NULL;
    return found ? to[found - from] : 0;
}

static bool read_double(struct dialect_cursor *cursor, struct secret *value, struct error *err)
{
    int c;
    for (cursor->at++; (c = dialect_peek(cursor, 0)) != '"'; cursor->at++) {
        int next = dialect_peek(cursor, 1);
        char byte = (char)c;
        if (c < 0 || c == '$') {
            return dialect_fail(cursor, "an expansion, or a quote that is not closed,", err);
        }
        if (c == '\\' && (next == 'c' || next == '0')) {
            return dialect_fail(cursor, "an escape that this program never writes", err);
        }
        if (c == '\\' && escape(next)) {
            byte = escape(next);
            cursor->at++;
        }
        if (!dialect_put(value, byte, err)) {
            return false;
        }
    }
    cursor->at++;
    return true;
}

/* Up to the end of the line or " #", without blanks at its end. */
static bool read_bare(struct dialect_cursor *cursor, struct secret *value, struct error *err)
{
    size_t end = str_find(cursor->text, cursor->at, "\n");
    struct str line = str_slice(cursor->text, cursor->at, end);
    struct str kept = str_trim(str_slice(line, 0, str_find(line, 0, " #")));
    if (kept.size > 0 && memchr(kept.bytes, '$', kept.size)) {
        return dialect_fail(cursor, "an expansion in the value", err);
    }
    cursor->at = end;
    return secret_append(value, kept, err);
}

static bool read_value(struct dialect_cursor *cursor, struct secret *value, struct error *err)
{
    dialect_skip(cursor, " \t");
    int c = dialect_peek(cursor, 0);
    if (c == '\'') {
        return read_single(cursor, value, err);
    }
    return c == '"' ? read_double(cursor, value, err) : read_bare(cursor, value, err);
}

static void skip_comments(struct dialect_cursor *cursor)
{
    dialect_skip(cursor, " \t\r\n");
    while (dialect_peek(cursor, 0) == '#') {
        cursor->at = str_find(cursor->text, cursor->at, "\n");
        dialect_skip(cursor, " \t\r\n");
    }
}

bool dialect_compose_read(struct str text, const struct env_reader *reader, struct error *err)
{
    struct dialect_cursor cursor = {text, str_starts(text, "\xef\xbb\xbf") ? 3 : 0};
    for (;;) {
        skip_comments(&cursor);
        if (dialect_peek(&cursor, 0) < 0) {
            return true;
        }
        struct str name = dialect_name_at(&cursor);
        if (str_is(name, "export") && dialect_peek(&cursor, 0) == ' ') {
            dialect_skip(&cursor, " ");
            name = dialect_name_at(&cursor);
        }
        int separator = dialect_peek(&cursor, 0);
        if (name.size == 0 || (separator != '=' && separator != ':')) {
            return dialect_fail(&cursor, "no assignment", err);
        }
        cursor.at++;
        SECRET_AUTO value = secret_new(text.size);
        if (!value) {
            return error_set(err, ERROR_MEMORY, "out of memory");
        }
        if (!read_value(&cursor, value, err) || !reader->each(reader->context, name, value, err)) {
            return false;
        }
    }
}

const struct dialect_rules dialect_compose = {check, write, 0, {{"compose", dialect_compose_read}}};
