/* The scalars of the template's `connect:` and `refresh:` blocks and `listen`: one table for the
 * template, the environment, the command line and its help. Flag over environment over file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/findings.h"
#include "base/str.h"
#include "model/settings.h"

enum setting {
    SETTING_HOST,
    SETTING_TOKEN_FILE,
    SETTING_CA_FILE,
    SETTING_CLIENT_CERT_FILE,
    SETTING_CLIENT_KEY_FILE,
    SETTING_REQUEST_TIMEOUT,
    SETTING_INTERVAL,
    SETTING_MAX_STALE,
    SETTING_LISTEN,
    SETTINGS,
};

enum setting_type {
    SETTING_URL,
    SETTING_PATH,
    SETTING_DURATION,
    SETTING_ADDRESS,
};

struct setting_info {
    const char *block; /* "" at the top */
    const char *key;
    const char *env;
    const char *flag; /* with its dashes */
    enum setting_type type;
    size_t offset;        /* in struct settings: char * or uint64_t */
    uint64_t shortest_ms; /* of a duration */
    uint64_t longest_ms;
    const char *help; /* one line */
};

/* What is set outside the template. */
struct overrides {
    const char *flags[SETTINGS];                  /* null when not given */
    const char *(*environment)(const char *name); /* null when unset; may be null itself */
    char *const *variables; /* NAME=value, ended by null, for references; may be null */
    bool launch;            /* the exec block counts */
    bool launch_variables;  /* and references in `variables` */
};

const struct setting_info *settings_describe(enum setting setting);
bool settings_find(struct str key, enum setting *ret_setting); /* keys are unique in all blocks */
struct shape;
const struct shape *settings_shape(enum setting setting);

void settings_init(struct settings *settings); /* the defaults that are not paths */
/* Sets one from text; the error says what is wrong with it, not where it came from. */
bool settings_set(struct settings *settings, enum setting setting, struct str text,
                  struct error *err);
/* Flags and, where there is none, the environment; findings name the flag or the variable. Then the
 * defaults: where to listen, and the token file unless OP_CONNECT_TOKEN is set. */
bool settings_override(struct settings *settings, const struct overrides *overrides,
                       struct findings *findings);

/* ERROR_USAGE when no host is set: whoever connects needs one. */
bool settings_require_host(const struct settings *settings, struct error *err);
