/* What is done before a generation is published, and after: entries of `beforePublish` and
 * `onChange`. Part of struct template. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/findings.h"

/* Stands for the directory of the generation in an argument; written exactly so in the model. */
#define HOOK_DIRECTORY "{{ directory }}"

enum hook_kind {
    HOOK_SIGNAL,
    HOOK_HTTP,
    HOOK_EXEC,
};

struct hook {
    enum hook_kind kind;
    struct place place;
    int signal;          /* HOOK_SIGNAL: its number, and one of the next three */
    char *process;       /* name of a process */
    char *exe;           /* absolute path of a program */
    char *pid_file;      /* absolute path */
    char *url;           /* HOOK_HTTP: without user and password */
    char *method;        /* HOOK_HTTP */
    char **command;      /* HOOK_EXEC: ended by null; the first is an absolute path */
    uint64_t timeout_ms; /* HOOK_HTTP, HOOK_EXEC */
};

/* "signal", "http", "exec": for logs and metrics. */
const char *hook_kind_name(enum hook_kind kind);

/* Copies the list for somebody who outlives the template; places lose their file. *ret_list is
 * null when count is 0. */
bool hook_list_copy(const struct hook *list, size_t count, struct hook **ret_list,
                    struct error *err);
/* Null is allowed. */
void hook_list_free(struct hook *list, size_t count);
