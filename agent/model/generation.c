#include "model/generation.h"

#include <assert.h>
#include <stdlib.h>

bool generation_init(struct generation *generation, size_t capacity, struct error *err)
{
    struct generation_file *files = calloc(capacity ? capacity : 1, sizeof(*files));
    if (!files) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *generation = (struct generation){files, 0, capacity};
    return true;
}

void generation_done(struct generation *generation)
{
    for (size_t i = 0; i < generation->count; i++) {
        secret_free(generation->files[i].bytes);
    }
    free(generation->files);
    *generation = (struct generation){0};
}

void generation_add(struct generation *generation, const struct generation_file *file)
{
    assert(generation->count < generation->capacity);
    generation->files[generation->count++] = *file;
}
