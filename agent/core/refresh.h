/* One refresh of the sidecar: reads the token, opens a client, walks the cycle once, and leaves
 * nothing behind: neither connection nor token nor value. A new token is tried first; the one that
 * worked before is put away and taken again when the new one is refused. */
#pragma once

#include <stdbool.h>

#include "core/commands.h"
#include "core/cycle.h"
#include "core/journal.h"
#include "core/memory.h"
#include "io/loop.h"
#include "io/stash.h"

struct refresh;

/* What one refresh hands to the next of its credentials. */
struct credentials {
    const char *variable; /* value of OP_CONNECT_TOKEN, or null; borrowed */
    struct stash good;    /* the token that worked last; empty before, and for a variable */
    struct stash bad;     /* one that was refused while that one works */
    bool again;           /* refresh at once: with another token it may go through */
    bool refused;         /* the last refresh ended so: ask once, not five times */
};

struct refresh_options {
    struct loop *loop; /* all borrowed */
    const struct template *template;
    struct memory *memory;
    struct credentials *credentials;
    struct journal *journal;
    const struct commands *commands; /* null: no hook needs them */
    const struct client_observer *observer;
    const struct log *log;
    const struct clock *clock;
    void *context;
    /* Over; `error` is null when what is published is what Connect has. Called from the loop. */
    void (*done)(void *context, const struct error *error);
};

bool refresh_start(const struct refresh_options *options, struct refresh **ret_refresh,
                   struct error *err);
/* Null until it is over or could be begun. */
const struct cycle *refresh_cycle(const struct refresh *refresh);
/* Cancels what is under way; wipes. Null is allowed; not from within `done`. */
void refresh_free(struct refresh *refresh);
