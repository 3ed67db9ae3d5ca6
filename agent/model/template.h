/* The template as it was read: immutable, owned as one tree. A reload reads a whole new one. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/findings.h"
#include "model/dialect.h"
#include "model/reference.h"
#include "model/settings.h"
#include "model/text.h"

enum { OWNER_UNSET = -1 }; /* (uid_t)-1, (gid_t)-1: leave as the process makes it */

enum layout {
    LAYOUT_ATOMIC, /* one symlink swap publishes the whole set, as in Kubernetes volumes */
    LAYOUT_PLAIN,  /* each file is renamed into place */
};

enum file_kind {
    FILE_ENV,      /* `env`: variables in a dialect */
    FILE_CONTENT,  /* `content`: a value, byte for byte */
    FILE_TEMPLATE, /* `template` or `templateFile` */
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
    struct variable *variables; /* FILE_ENV, in the template's order */
    size_t variables_count;
    struct value_rule value; /* FILE_CONTENT, FILE_TEMPLATE */
    char *template_file;     /* path of templateFile, else null */
    mode_t mode;
    uid_t uid; /* or OWNER_UNSET */
    gid_t gid;
};

struct output {
    char *directory; /* absolute */
    struct place place;
    enum layout layout;
    mode_t file_mode; /* of files that have none of their own */
    mode_t directory_mode;
    uid_t uid; /* of directories made for it; or OWNER_UNSET */
    gid_t gid;
    bool allow_disk; /* a directory that is not tmpfs or ramfs is accepted */
    struct file *files;
    size_t files_count;
};

struct template
{
    char *path;            /* as given; places point at it */
    char **template_files; /* owned; places in them point at these */
    size_t template_files_count;
    struct settings settings;
    struct output *outputs;
    size_t outputs_count;
    struct references references;
};

/* Frees the whole tree; null is allowed. */
void template_free(struct template *template);
