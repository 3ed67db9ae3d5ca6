/* One text that compose, systemd and sh read alike. */
#include <string.h>

#include "render/dialect.h"

/* compose takes \' in single quotes for a quote, so neither may a value end in a backslash there.
 */
static bool needs_double(struct str value)
{
    return value.size > 0 &&
           (memchr(value.bytes, '\'', value.size) || value.bytes[value.size - 1] == '\\');
}

static bool check(struct str value, struct error *err)
{
    if (!dialect_refuse_byte(value, '\0', "NUL", "no env file can carry: publish it as a file",
                             err) ||
        !dialect_require_utf8(value, "systemd cannot carry; use dialect sh or compose", err)) {
        return false;
    }
    return !needs_double(value) ||
           dialect_refuse_byte(
               value, '`', "a backtick",
               "compose and sh read differently in a value that also holds a single "
               "quote or ends in a backslash; use the dialect of the one reader",
               err);
}

static bool write(const struct env_entry *entry, struct secret *into, struct error *err)
{
    return needs_double(secret_str(entry->value))
               ? dialect_write_quoted(entry, '"', "\\\"$`", into, err)
               : dialect_write_quoted(entry, '\'', "", into, err);
}

const struct dialect_rules dialect_portable = {check,
                                               write,
                                               0,
                                               {{"sh", dialect_sh_read},
                                                {"compose", dialect_compose_read},
                                                {"systemd", dialect_systemd_read}}};
