/* The life that goes on: publish, then follow the token, the template and the vaults until asked to
 * leave. One loop, one thread; between refreshes nothing secret is in memory. */
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "config/settings.h"
#include "model/template.h"

struct sidecar_options {
    struct template *template; /* taken */
    const char *path;          /* of it, to read it again; borrowed, as the rest */
    const struct overrides *overrides;
    const struct log *log;
    const struct clock *clock;
    const char *token_variable; /* value of OP_CONNECT_TOKEN, or null */
};

/* Gives the exit status: 0 when it was asked to leave. */
int sidecar_run(const struct sidecar_options *options);
