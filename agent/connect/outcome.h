/* What came of each reference: a value, an error, or the same as the last time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"
#include "connect/known.h"
#include "connect/wanted.h"
#include "model/reference.h"
#include "model/value.h"

struct outcome {
    const struct references *references; /* borrowed */
    struct values *values;               /* borrowed */
    struct known *known;                 /* borrowed: the last time; replaced by outcome_commit */
    struct known learnt;                 /* this time */
    bool changed; /* a reference has another value, or another reason to have none */
};

bool outcome_init(struct outcome *outcome, const struct references *references, struct known *known,
                  struct values *values, struct error *err);
void outcome_done(struct outcome *outcome);

/* Takes `bytes`, from this item at its version. */
void outcome_set(struct outcome *outcome, size_t index, const struct wanted_item *item,
                 struct secret *bytes);
/* `vault`: the ID of the one it belongs to; "" when it was not found. */
void outcome_fail(struct outcome *outcome, size_t index, const char *vault,
                  const struct error *error);
/* The item, at its version, has not what the reference wants. */
void outcome_fail_in_item(struct outcome *outcome, size_t index, const struct wanted_item *item,
                          const struct error *error);
/* What came of it is the same as the last time. */
bool outcome_keep(struct outcome *outcome, size_t index, struct error *err);

/* Is the item, as it is listed, the one its value, or the lack of one, was read from? */
bool outcome_is_read(const struct outcome *outcome, size_t index, struct str item,
                     uint64_t item_version);

/* What was learnt becomes what is known. */
void outcome_commit(struct outcome *outcome);
/* Nothing is known, nothing came of anything. */
void outcome_forget(struct outcome *outcome);
