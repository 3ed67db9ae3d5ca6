#pragma once
/* The state of the server. */

#include "fault.h"
#include "log.h"
#include "options.h"
#include "token.h"
#include "world.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* All but options, lock and stop_fd is guarded by the lock. */
struct fake {
    const struct options *options;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a counter did */
    int stop_fd;            /* readable once the server stops */
    bool stopping;
    uint64_t last_connection;
    struct world *world;
    struct tokens *tokens;
    struct faults *faults;
    struct log *log;
};

/* One connection of a client. */
struct session {
    uint64_t id;
    unsigned epoch; /* of the log in which it was counted */
};
