/* One output of a command on its way through us: a pipe, whose bytes are converted and written to a
 * descriptor of ours. Reads no more while that one takes nothing, so that the command waits as it
 * would without us; never blocks the loop. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/loop.h"

struct relay_owner {
    void *context;
    /* Appends to `into` what is to be written for `more`; `is_end`: nothing follows. What cannot be
     * converted must not get through: that is the owner's to see to. */
    void (*convert)(void *context, struct str more, bool is_end, struct secret *into);
    /* After relay_finish: all is written that ever will be. Not called from within it. */
    void (*finished)(void *context);
};

struct relay;

/* `to` is borrowed. */
bool relay_new(struct loop *loop, int to, const struct relay_owner *owner, struct relay **ret_relay,
               struct error *err);
/* What was not written is lost. Null is allowed. */
void relay_free(struct relay *relay);

/* The end of the pipe that is the command's; borrowed, closed on exec. */
int relay_writer(const struct relay *relay);
/* The command is over. What is in the pipe now still counts; what others write later does not. */
void relay_finish(struct relay *relay);
