/* What a dialect of env files is made of: a writer, what it refuses, and the readers that have to
 * agree on what was written. One file for each; env.c brings them together. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/str.h"
#include "render/env.h"

enum { DIALECT_READERS = 3 };

/* Reads the whole text; see env_read. */
struct dialect_reader {
    const char *name;
    bool (*read)(struct str text, const struct env_reader *reader, struct error *err);
};

struct dialect_rules {
    /* Can the value be carried? The error says why not, and which dialect could. */
    bool (*check)(struct str value, struct error *err);
    /* Appends NAME=value and a line feed. */
    bool (*write)(const struct env_entry *entry, struct secret *into, struct error *err);
    size_t file_limit; /* bytes; 0: none of its own */
    struct dialect_reader readers[DIALECT_READERS];
};

extern const struct dialect_rules dialect_sh;
extern const struct dialect_rules dialect_compose;
extern const struct dialect_rules dialect_docker;
extern const struct dialect_rules dialect_systemd;
extern const struct dialect_rules dialect_kubernetes;
extern const struct dialect_rules dialect_portable;

bool dialect_sh_read(struct str text, const struct env_reader *reader, struct error *err);
bool dialect_compose_read(struct str text, const struct env_reader *reader, struct error *err);
bool dialect_systemd_read(struct str text, const struct env_reader *reader, struct error *err);

/* --- for the writers --- */

bool dialect_refuse_byte(struct str value, char byte, const char *what, const char *instead,
                         struct error *err);
bool dialect_require_utf8(struct str value, const char *instead, struct error *err);
/* NAME=, quote, the value with a backslash before each of `escaped`, quote, line feed. */
bool dialect_write_quoted(const struct env_entry *entry, char quote, const char *escaped,
                          struct secret *into, struct error *err);

/* --- for the readers --- */

struct dialect_cursor {
    struct str text;
    size_t at;
};

/* The byte at the cursor plus `ahead`; -1 beyond the end. */
int dialect_peek(const struct dialect_cursor *cursor, size_t ahead);
void dialect_skip(struct dialect_cursor *cursor, const char *bytes);
/* [A-Za-z_][A-Za-z0-9_]*; size 0 when there is none. */
struct str dialect_name_at(struct dialect_cursor *cursor);
bool dialect_put(struct secret *value, char byte, struct error *err);
bool dialect_fail(const struct dialect_cursor *cursor, const char *what, struct error *err);
