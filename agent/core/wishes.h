/* Which files and directories a life needs, for the sandbox: from its template, its settings, and
 * the libraries of the system. Reading a directory is reading what lies below it, now and later,
 * since what is followed is replaced: by rename, by a swapped symlink, by a new file of the same
 * name. */
#pragma once

#include <stdbool.h>

#include "model/template.h"

/* What is granted, one after the other, until one of them cannot be. */
struct wishes {
    void *context;
    bool (*grant)(void *context, const char *path, unsigned rights, const struct place *place);
    bool prepares; /* directories of outputs are made, so that they can be granted */
};

enum wishes_life {
    WISHES_PREVIEW, /* shows what was resolved: publishes nothing, runs no hooks */
    WISHES_ONCE,    /* publishes; of the hooks, runs those before it */
    WISHES_LASTING, /* reads the template again, and runs all hooks */
};

/* Rights are those of io/sandbox.h; paths may be of what is not there. */
bool wishes_of(const struct wishes *wishes, const struct template *template, enum wishes_life life);
/* Name resolution, TLS; for a dynamic program also the libraries that it loads late. */
bool wishes_of_system(const struct wishes *wishes);
/* A new file beside `path`, in its place later. */
bool wishes_of_output_file(const struct wishes *wishes, const char *path);

enum wishes_need {
    WISHES_COMMAND, /* it would be confined as we are */
    WISHES_EXE,     /* the program of another process, which Landlock hides */
    WISHES_SIGNAL,
};

/* Has it such a hook, that would run in this life? */
bool wishes_need(const struct template *template, enum wishes_life life, enum wishes_need need);
/* One that takes a process which is not confined (core/commands.h)? */
bool wishes_need_broker(const struct template *template, enum wishes_life life);
