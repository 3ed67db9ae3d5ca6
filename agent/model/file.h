/* One file of an output: what it is made from. Part of struct template. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/findings.h"
#include "model/dialect.h"
#include "model/text.h"
#include "model/tree.h"

enum { OWNER_UNSET = -1 }; /* (uid_t)-1, (gid_t)-1: leave as the process makes it */

enum file_kind {
    FILE_ENV,      /* `env`: variables in a dialect */
    FILE_CONTENT,  /* `content`: a value, byte for byte */
    FILE_TEMPLATE, /* `template` or `templateFile` */
    FILE_JSON,     /* a subtree in a format with rules of its own */
    FILE_YAML,
    FILE_PROPERTIES,
    FILE_ENVIRONMENT, /* of a command: NAME=value, each ended by NUL; in no output */
};

/* A text, and what to do when a reference in it leads nowhere. */
struct value_rule {
    struct text text;
    bool optional;     /* leave the variable or file out */
    bool has_fallback; /* `default:` takes its place */
    struct text fallback;
};

struct variable {
    char *name;
    struct place place;
    struct value_rule value;
};

struct file {
    char *path; /* relative, normalised, below the output's directory */
    struct place place;
    enum file_kind kind;
    enum dialect dialect;       /* FILE_ENV */
    struct variable *variables; /* FILE_ENV, FILE_ENVIRONMENT, in order */
    size_t variables_count;
    struct value_rule value; /* FILE_CONTENT, FILE_TEMPLATE */
    struct tree *tree;       /* FILE_JSON, FILE_YAML, FILE_PROPERTIES; owned */
    char *template_file;     /* path of templateFile, else null */
    mode_t mode;
    uid_t uid; /* or OWNER_UNSET */
    gid_t gid;
};

/* False without memory. */
bool variable_set_name(struct variable *variable, struct str name);
void file_done(struct file *file);
