/* One event a line, as JSON or text, with fields from a fixed table, by one write(2), escaped. */
#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum log_format { LOG_JSON, LOG_TEXT };
enum log_key {
    LOG_END,
    LOG_KEY_ERROR,     /* label of the error's class */
    LOG_KEY_REASON,    /* an error's message */
    LOG_KEY_TEMPLATE,  /* path */
    LOG_KEY_OUTPUT,    /* directory */
    LOG_KEY_FILE,      /* path below an output */
    LOG_KEY_VARIABLE,  /* name in an env file */
    LOG_KEY_REFERENCE, /* as the template writes it */
    LOG_KEY_HOST,      /* of Connect, without credentials */
    LOG_KEY_ENDPOINT,  /* class of request: vaults, vault, items, item, file */
    LOG_KEY_STATUS,    /* HTTP status */
    LOG_KEY_VAULT,     /* ID */
    LOG_KEY_ITEM,      /* ID */
    LOG_KEY_VERSION,   /* of an item */
    LOG_KEY_TRY,       /* number of tries so far */
    LOG_KEY_DELAY_MS,
    LOG_KEY_DURATION_MS,
    LOG_KEY_COUNT,
    LOG_KEY_SIGNAL,
    LOG_KEY_EXPIRES,
    LOG_KEY_PID,
    LOG_KEY_PHASE,    /* of a hook: beforePublish, onChange */
    LOG_KEY_HOOK,     /* signal, http, exec */
    LOG_KEY_TARGET,   /* whom it is for: process, program, URL */
    LOG_KEY_LANDLOCK, /* its version (ABI) in force; 0: none */
    LOG_KEY_SECCOMP,  /* listed, denied, none */
    LOG_KEY_POD,      /* of the downward API: CONNECT_AGENT_POD, CONNECT_AGENT_NAMESPACE */
    LOG_KEY_NAMESPACE,
    LOG_KEYS,
};

struct log_field {
    enum log_key key;
    const char *text; /* borrowed; empty: left out; null: the number counts */
    int64_t number;
};

struct log {
    int fd; /* borrowed; 2 in the program */
    enum log_level level;
    enum log_format format;
    const struct clock *clock;   /* borrowed */
    const char *pod, *namespace; /* borrowed; null when unknown */
};

/* `fields` ends with LOG_END. Lines above log->level are not written. */
void log_write_fields(const struct log *log, enum log_level level, const char *message,
                      const struct log_field fields[]);

#define log_write(log, level, message, ...)                                                        \
    log_write_fields((log), (level), (message),                                                    \
                     (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = LOG_END}})

static inline struct log_field log_text(enum log_key key, const char *text)
{
    return (struct log_field){key, text ? text : "", 0};
}

static inline struct log_field log_number(enum log_key key, int64_t number)
{
    return (struct log_field){key, 0, number};
}

bool log_level_find(struct str name, enum log_level *ret_level);
bool log_format_find(struct str name, enum log_format *ret_format);
