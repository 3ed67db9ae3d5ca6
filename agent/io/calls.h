/* Which system calls the process may make (seccomp). What a program that was taken over would want,
 * and this one never does, kills it. The rest depends on how it was built: of the static one all
 * code is known, so a list says what it may; a dynamic one may load what we have not seen. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum calls {
    CALLS_ANY,    /* no filter: this kernel or machine has none */
    CALLS_DENIED, /* all but a list */
    CALLS_LISTED, /* those of a list alone */
};

/* "none", "denied", "listed": for logs and metrics. */
const char *calls_name(enum calls calls);

/* `signals`: other processes may be signalled. Needs no_new_privs. An error is what no kernel
 * should say; one without seccomp gives CALLS_ANY. */
bool calls_restrict(bool signals, enum calls *ret_calls, struct error *err);
