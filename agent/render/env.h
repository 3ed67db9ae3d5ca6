/* Env files. Each dialect is written as its reader reads it, and proven: the text is read back by
 * that reader's rules before anyone sees it. The rules are those of docs/template.md. Pure: no
 * I/O. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/str.h"
#include "model/dialect.h"

struct env_entry {
    const char *name;           /* borrowed; [A-Za-z_][A-Za-z0-9_]* */
    const struct secret *value; /* borrowed */
};

/* Appends `count` entries in the dialect, in order, and reads them back. ERROR_CONTENT names the
 * variable, why the dialect cannot carry its value (never the value), and what could; *ret_wrong is
 * then the index of the entry, or `count` when it is none of them alone. */
bool env_render(enum dialect dialect, const struct env_entry entries[], size_t count,
                struct secret *text, size_t *ret_wrong, struct error *err);

/* Can the dialect carry the value? As env_render sees it, before it writes. */
bool env_check(enum dialect dialect, const char *name, struct str value, struct error *err);

/* Called for every assignment in order; false stops the reading. */
struct env_reader {
    bool (*each)(void *context, struct str name, const struct secret *value, struct error *err);
    void *context;
};

/* Reads `text` as the dialect's consumer does; for `portable`, as sh does. ERROR_CONTENT, with a
 * byte offset, where the consumer would not accept it or would expand something. */
bool env_read(enum dialect dialect, struct str text, const struct env_reader *reader,
              struct error *err);
