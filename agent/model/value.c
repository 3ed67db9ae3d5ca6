#include "model/value.h"

#include <stdlib.h>

bool values_init(struct values *values, size_t count, struct error *err)
{
    struct value *list = calloc(count ? count : 1, sizeof(*list));
    if (!list) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *values = (struct values){list, count};
    return true;
}

void values_forget(struct values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        secret_free(values->list[i].bytes);
        free(values->list[i].error);
        values->list[i] = (struct value){.bytes = NULL};
    }
}

void values_keep(struct values *values, size_t index)
{
    values->list[index].kept = true;
}

void values_done(struct values *values)
{
    values_forget(values);
    free(values->list);
    *values = (struct values){0};
}

void values_set(struct values *values, size_t index, struct secret *bytes)
{
    secret_free(values->list[index].bytes);
    values->list[index].bytes = bytes;
}

void values_fail(struct values *values, size_t index, const struct error *error)
{
    struct value *value = &values->list[index];
    if (value->error) {
        return;
    }
    value->error = malloc(sizeof(*value->error));
    if (value->error) {
        *value->error = *error;
    }
}

bool value_is_missing(const struct value *value)
{
    return !value->bytes && value->error && value->error->code == ERROR_NOT_FOUND;
}
