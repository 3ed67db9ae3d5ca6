/* References to values. Vaults are listed once; each vault that is referred to is asked for its
 * version and its item summaries, each item read once whatever refers to it, each attachment
 * fetched once: 1 + 2V + U + F requests (design.md, "Resolving"). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "connect/client.h"
#include "connect/known.h"
#include "model/reference.h"
#include "model/value.h"

struct resolve;

struct resolve_owner {
    void *context;
    /* An item was read, once per item: the audit trail. */
    void (*item_read)(void *context, const char *vault, const char *item, uint64_t version);
    /* Over. `error` is null when each reference has a value or an error of its own; else it is why
     * nothing could be resolved (no connection, token refused). */
    void (*done)(void *context, const struct error *error);
};

/* Fills `values` (one for each reference, initialised by the caller). What `known` says is the same
 * as before is not read again but marked as kept: an unchanged vault takes one request, a changed
 * one its list and its changed items. On success `known` is brought up to date, or made empty where
 * nothing could be learnt. Borrows everything until resolve_free; `done` is called later, never
 * from within. */
bool resolve_start(struct client *client, const struct references *references, struct known *known,
                   struct values *values, const struct resolve_owner *owner,
                   struct resolve **ret_resolve, struct error *err);
/* Once it is over: has any reference another value, or another reason to have none? */
bool resolve_is_changed(const struct resolve *resolve);
/* Cancels what is under way. Null is allowed. Not from within a callback. */
void resolve_free(struct resolve *resolve);
