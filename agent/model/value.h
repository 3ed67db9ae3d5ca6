/* What the references of a template resolved to, one entry for each index of its references. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/secret.h"

struct value {
    struct secret *bytes; /* owned; null when there is none */
    struct error *error;  /* owned; why there is none */
    bool kept;            /* as it was the last time; its bytes are not here yet */
};

struct values {
    struct value *list; /* owned */
    size_t count;
};

bool values_init(struct values *values, size_t count, struct error *err);
void values_done(struct values *values); /* wipes */

/* Takes `bytes` and makes it the value. */
void values_set(struct values *values, size_t index, struct secret *bytes);
/* It is as it was the last time. */
void values_keep(struct values *values, size_t index);
/* Nothing came of any of them. */
void values_forget(struct values *values);
/* Copies the error; the first one stays. */
void values_fail(struct values *values, size_t index, const struct error *error);
/* True when it leads nowhere, which `optional` and `default` may cover; ambiguity is not that. */
bool value_is_missing(const struct value *value);
