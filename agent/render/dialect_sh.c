/* `. file` in a POSIX shell: XCU 2.2 (quoting) and 2.9.1 (assignments). */
#include <string.h>

#include "render/dialect.h"
#include "render/escape.h"

static bool check(struct str value, struct error *err)
{
    return dialect_refuse_byte(value, '\0', "NUL", "no env file can carry: publish it as a file",
                               err);
}

/* Single quotes keep everything; a quote itself is put between them as \'. */
static bool write(const struct env_entry *entry, struct secret *into, struct error *err)
{
    return secret_append(into, str_from(entry->name), err) &&
           secret_append(into, str_from("="), err) &&
           escape_sh(secret_str(entry->value), into, err) &&
           secret_append(into, str_from("\n"), err);
}

static bool read_single(struct dialect_cursor *cursor, struct secret *value, struct error *err)
{
    for (cursor->at++; dialect_peek(cursor, 0) != '\''; cursor->at++) {
        if (dialect_peek(cursor, 0) < 0) {
            return dialect_fail(cursor, "a quote is not closed", err);
        }
        if (!dialect_put(value, cursor->text.bytes[cursor->at], err)) {
            return false;
        }
    }
    cursor->at++;
    return true;
}

/* In double quotes a backslash goes only before these; before a line feed both go. */
static bool read_double(struct dialect_cursor *cursor, struct secret *value, struct error *err)
{
    int c;
    for (cursor->at++; (c = dialect_peek(cursor, 0)) != '"'; cursor->at++) {
        int next = dialect_peek(cursor, 1);
        if (c < 0 || c == '$' || c == '`') {
            return dialect_fail(cursor, "an expansion, or a quote that is not closed,", err);
        }
        if (c == '\\' && next > 0 && strchr("$`\"\\\n", next)) {
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
    int c = dialect_peek(cursor, 0);
    if (c == '\\' && dialect_peek(cursor, 1) >= 0) {
        cursor->at++;
    } else if (c == 0 || strchr("$`&|;<>()*?[~# \t\\", c)) {
        return dialect_fail(cursor, "a character that means something to the shell", err);
    }
    return dialect_put(value, cursor->text.bytes[cursor->at++], err);
}

/* A word: quoted and bare pieces glued together, up to the end of the line. */
static bool read_word(struct dialect_cursor *cursor, struct secret *value, struct error *err)
{
    for (;;) {
        int c = dialect_peek(cursor, 0);
        if (c < 0 || c == '\n') {
            return true;
        }
        bool ok = c == '\''  ? read_single(cursor, value, err)
                  : c == '"' ? read_double(cursor, value, err)
                             : read_bare(cursor, value, err);
        if (!ok) {
            return false;
        }
    }
}

bool dialect_sh_read(struct str text, const struct env_reader *reader, struct error *err)
{
    struct dialect_cursor cursor = {text, 0};
    for (;;) {
        dialect_skip(&cursor, " \t\n");
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
        if (!read_word(&cursor, value, err) || !reader->each(reader->context, name, value, err)) {
            return false;
        }
    }
}

const struct dialect_rules dialect_sh = {check, write, 0, {{"sh", dialect_sh_read}}};
