/* A second process of ours that was forked before the first one confined itself (io/sandbox.h), and
 * does for it what that one cannot any more. It trusts nothing that it is asked: what it does, its
 * service decides, from what it knew at the fork. Processes that it starts as siblings (io/spawn.h)
 * are children of the first. It ends with it. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "io/stash.h"

enum { BROKER_DESCRIPTORS = 2 };

struct broker_request {
    unsigned kind;              /* the service knows which */
    const struct stash *stash;  /* what the request says; may be null or empty */
    const int *descriptors;     /* borrowed; handed over as copies */
    unsigned descriptors_count; /* at most BROKER_DESCRIPTORS */
};

/* Runs in the broker. False: the error is the answer, and *ret_pid, when it is not 0, a child that
 * has ended already. All is borrowed during the call. */
struct broker_service {
    void *context;
    bool (*serve)(void *context, const struct broker_request *request, pid_t *ret_pid,
                  struct error *err);
};

struct broker;

/* Before there is anything that the broker must not know: an error while a secret is in use. */
bool broker_open(const struct broker_service *service, struct broker **ret_broker,
                 struct error *err);
/* It ends, and what it started goes on. Null is allowed. */
void broker_close(struct broker *broker);

/* Waits for the answer. ERROR_SYSTEM when the broker is gone. */
bool broker_ask(struct broker *broker, const struct broker_request *request, pid_t *ret_pid,
                struct error *err);
/* Its descriptor in this process, for who closes others. */
int broker_descriptor(const struct broker *broker);
