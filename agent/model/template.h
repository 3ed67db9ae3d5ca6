/* The template as it was read: immutable, owned as one tree. A reload reads a whole new one. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/findings.h"
#include "model/file.h"
#include "model/hook.h"
#include "model/launch.h"
#include "model/reference.h"
#include "model/settings.h"

enum layout {
    LAYOUT_ATOMIC, /* one symlink swap publishes the whole set, as in Kubernetes volumes */
    LAYOUT_PLAIN,  /* each file is renamed into place */
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
    struct hook *before_publish; /* of kind HOOK_EXEC */
    size_t before_publish_count;
    struct hook *on_change;
    size_t on_change_count;
};

struct template
{
    char *path;            /* as given; places point at it; null: none was given */
    char **template_files; /* owned; places in them point at these */
    size_t template_files_count;
    struct settings settings;
    struct output *outputs;
    size_t outputs_count;
    struct launch launch;
    struct references references;
};

/* Frees the whole tree; null is allowed. */
void template_free(struct template *template);
