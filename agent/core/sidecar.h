/* The life that goes on: publish, then follow the token, the template and the vaults until asked to
 * leave. One loop, one thread; between refreshes nothing secret is in memory. */
#pragma once

#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/settings.h"
#include "core/commands.h"
#include "core/cycle.h"
#include "model/template.h"

/* What else lives in the loop, and is told of each refresh. All but `context` are called. */
struct sidecar_companion {
    void *context;
    const sigset_t *signals; /* all signals go to it, in the place of the sidecar's own */
    bool (*open)(void *context, struct loop *loop, struct journal *journal, struct error *err);
    void (*refreshed)(void *context, const struct template *template, const struct cycle *cycle);
    void (*failed)(void *context, const struct error *error);
    void (*signalled)(void *context, int signal, bool from_terminal);
    void (*close)(void *context);
};

struct sidecar_options {
    struct template *template; /* taken */
    const char *path;          /* of it, to read it again; borrowed, as the rest */
    const struct overrides *overrides;
    const struct log *log;
    const struct clock *clock;
    const char *token_variable;                /* value of OP_CONNECT_TOKEN, or null */
    const struct sidecar_companion *companion; /* null: none */
    struct commands *commands;                 /* null: opened when a hook needs them */
    bool sandbox_off;
};

/* Gives the exit status: 0 when it was asked to leave. */
int sidecar_run(const struct sidecar_options *options);
