#include "core/memory.h"

#include <stdint.h>
#include <string.h>

#include "base/limits.h"

enum { STASH_LIMIT = 1 << 30 };

bool memory_init(struct memory *memory, size_t references, bool keeps, struct error *err)
{
    *memory = (struct memory){.keeps = keeps};
    stash_init(&memory->values);
    return known_init(&memory->known, references, err);
}

void memory_done(struct memory *memory)
{
    stash_done(&memory->values);
    known_done(&memory->known);
}

/* Each value is its size and its bytes; a size of all ones stands for none. */
static bool put_value(struct secret *all, const struct value *value, struct error *err)
{
    uint64_t size = value->bytes ? secret_size(value->bytes) : UINT64_MAX;
    return secret_append(all, (struct str){(const char *)&size, sizeof(size)}, err) &&
           (!value->bytes || secret_append_secret(all, value->bytes, err));
}

bool memory_store(struct memory *memory, const struct values *values, struct error *err)
{
    SECRET_AUTO all = secret_new(STASH_LIMIT);
    bool ok = all || error_set(err, ERROR_MEMORY, "out of memory");
    for (size_t i = 0; ok && i < values->count; i++) {
        ok = put_value(all, &values->list[i], err);
    }
    if (!ok || !stash_put(&memory->values, all, err)) {
        known_forget(&memory->known);
        return false;
    }
    return true;
}

/* Takes one value off the front. False when the stash is not what was put there. */
static bool take_value(struct str *all, struct str *ret_bytes, bool *ret_is_there)
{
    uint64_t size;
    if (all->size < sizeof(size)) {
        return false;
    }
    memcpy(&size, all->bytes, sizeof(size));
    *all = str_slice(*all, sizeof(size), all->size);
    *ret_is_there = size != UINT64_MAX;
    if (*ret_is_there && size > all->size) {
        return false;
    }
    *ret_bytes = str_slice(*all, 0, *ret_is_there ? size : 0);
    *all = str_slice(*all, ret_bytes->size, all->size);
    return true;
}

static bool restore_one(struct values *values, size_t index, struct str bytes, struct error *err)
{
    struct secret *copy = secret_new(bytes.size);
    if (!copy || !secret_append(copy, bytes, err)) {
        secret_free(copy);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    values_set(values, index, copy);
    return true;
}

static bool restore(struct str all, struct values *values, struct error *err)
{
    for (size_t i = 0; i < values->count; i++) {
        struct str bytes;
        bool is_there;
        if (!take_value(&all, &bytes, &is_there) || (values->list[i].kept && !is_there)) {
            return error_set(err, ERROR_SYSTEM, "what was put away is not whole");
        }
        if (values->list[i].kept && !restore_one(values, i, bytes, err)) {
            return false;
        }
    }
    return true;
}

bool memory_restore(struct memory *memory, struct values *values, struct error *err)
{
    bool any = false;
    for (size_t i = 0; i < values->count; i++) {
        any = any || values->list[i].kept;
    }
    if (!any) {
        return true;
    }
    SECRET_AUTO all = secret_new(STASH_LIMIT);
    bool ok = all || error_set(err, ERROR_MEMORY, "out of memory");
    if (!ok || !stash_get(&memory->values, all, err) || !restore(secret_str(all), values, err)) {
        known_forget(&memory->known);
        return false;
    }
    return true;
}
