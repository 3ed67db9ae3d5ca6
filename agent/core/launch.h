/* A command with secrets in its environment: a companion of the sidecar's life. It is started when
 * everything is resolved and published for the first time; a change restarts it, or signals it, as
 * the template's exec block says; its end is ours. */
#pragma once

#include "core/sidecar.h"

struct launch_options {
    struct sidecar_options sidecar; /* without companion */
    char *const *command;           /* arguments, ended by null */
    char *const *environment;       /* of this process: NAME=value, ended by null */
    uint64_t timeout_ms;            /* until it is started, or we give up */
    bool mask;                      /* its output passes through core/masking */
};

/* Gives the exit status: the command's, 128 + signal, 127 or 126 when it cannot be run, or why
 * nothing could be resolved. */
int launch_run(const struct launch_options *options);
