/* Signals as a source of the loop (signalfd). They are blocked from signals_init on, so that none
 * is lost or interrupts anything. */
#pragma once

#include <signal.h>
#include <stdbool.h>

#include "io/loop.h"

struct signals {
    struct loop *loop; /* borrowed */
    struct loop_source source;
    sigset_t previous; /* mask to go back to */
    void (*received)(void *context, int signal, bool from_terminal);
    void *context;
};

/* `from_terminal`: the kernel sent it, to the whole foreground group. `set` is what to receive;
 * everything else keeps its disposition. SIGPIPE and SIGXFSZ are ignored: who writes is told by
 * write(2). */
bool signals_init(struct signals *signals, struct loop *loop, const sigset_t *set,
                  void (*received)(void *context, int signal, bool from_terminal), void *context,
                  struct error *err);
void signals_done(struct signals *signals);
