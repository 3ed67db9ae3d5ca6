#include "render/mask.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "render/escape.h"
#include "render/needles.h"

/* A set is a row of lines, each its size and its bytes. */

/* Takes one line off the front; false at the end. */
static bool take_line(struct str *rest, struct str *ret_line)
{
    uint32_t size;
    if (rest->size < sizeof(size)) {
        return false;
    }
    memcpy(&size, rest->bytes, sizeof(size));
    *ret_line = str_slice(*rest, sizeof(size), sizeof(size) + size);
    *rest = str_slice(*rest, sizeof(size) + size, rest->size);
    return true;
}

static size_t count_lines(struct str set)
{
    struct str line;
    size_t count = 0;
    while (take_line(&set, &line)) {
        count++;
    }
    return count;
}

bool mask_seal(const struct secret *set, struct secret *table, struct error *err)
{
    struct str rest = secret_str(set);
    struct str *lines = calloc(count_lines(rest) + 1, sizeof(*lines));
    if (!lines) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    size_t count = 0;
    while (take_line(&rest, &lines[count])) {
        count++;
    }
    bool ok = needles_make(lines, count, table, err);
    free(lines);
    return ok;
}

/* --- the set --- */

static bool add_line(struct secret *set, struct str line, struct error *err)
{
    uint32_t size = (uint32_t)line.size;
    return secret_append(set, (struct str){(const char *)&size, sizeof(size)}, err) &&
           secret_append(set, line, err);
}

bool mask_add(struct secret *set, struct str value, size_t *ret_skipped, struct error *err)
{
    size_t before = secret_size(set);
    for (size_t at = 0; at < value.size;) {
        struct str line = str_slice(value, at, str_find(value, at, "\n"));
        at += line.size + 1;
        if (line.size > 0 && line.bytes[line.size - 1] == '\r') {
            line.size--;
        }
        for (; line.size >= MASK_SHORTEST;
             line =
                 str_slice(line, MASK_LONGEST < line.size ? MASK_LONGEST : line.size, line.size)) {
            struct str piece =
                str_slice(line, 0, line.size < MASK_LONGEST ? line.size : MASK_LONGEST);
            if (!add_line(set, piece, err)) {
                return false;
            }
        }
    }
    *ret_skipped += value.size > 0 && secret_size(set) == before;
    return true;
}

/* What a language cannot hold does not stand in its texts either. */
static bool add_quoted(struct secret *set, struct str value,
                       bool (*escape)(struct str, struct secret *, struct error *), size_t quotes,
                       struct error *err)
{
    SECRET_AUTO quoted = secret_new(LIMIT_MASK);
    struct error unused;
    size_t skipped = 0;
    if (!quoted) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!escape(value, quoted, &unused)) {
        return true;
    }
    struct str inner = str_slice(secret_str(quoted), quotes, secret_size(quoted) - quotes);
    return str_equal(inner, value) || mask_add(set, inner, &skipped, err);
}

bool mask_add_value(struct secret *set, struct str value, size_t *ret_skipped, struct error *err)
{
    return mask_add(set, value, ret_skipped, err) && add_quoted(set, value, escape_json, 0, err) &&
           add_quoted(set, value, escape_sh, 1, err);
}

bool mask_add_older(struct secret *set, struct str older, struct error *err)
{
    SECRET_AUTO table = secret_new(MASK_TABLE);
    SECRET_AUTO missing = secret_new(LIMIT_MASK);
    if (!table || !missing) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!mask_seal(set, table, err)) {
        return false;
    }
    const struct needles new = needles_open(secret_str(table)), old = needles_open(older);
    size_t room = LIMIT_MASK - secret_size(set);
    bool ok = true;
    for (size_t i = 0; ok && i < old.count; i++) {
        struct str line = needles_line(&old, i);
        bool fits = secret_size(missing) + sizeof(uint32_t) + line.size <= room;
        ok = !fits || needles_have(&new, line) || add_line(missing, line, err);
    }
    return ok && secret_append_secret(set, missing, err);
}

/* --- the stream --- */

/* Everything in `all` up to where it must wait; *ret_at is there, *covered the end of what values
 * have covered so far. */
static bool scan(const struct needles *needles, struct str all, bool is_end, size_t *covered,
                 size_t *ret_at, struct secret *into, struct error *err)
{
    size_t plain = *covered; /* where the bytes begin that are to be let through */
    size_t at = needles_next(needles, all, 0);
    bool ok = true;
    for (; ok && at < all.size; at = needles_next(needles, all, at + 1)) {
        struct sight sight = needles_look(needles, str_slice(all, at, all.size));
        if (sight.is_open && !is_end) {
            break;
        }
        if (sight.longest > 0 && at >= *covered) {
            ok = secret_append(into, str_slice(all, plain, at), err) &&
                 secret_append(into, str_from(MASK_TEXT), err);
        }
        if (sight.longest > 0 && at + sight.longest > *covered) {
            plain = *covered = at + sight.longest;
        }
    }
    *ret_at = at;
    return ok && (plain >= at || secret_append(into, str_slice(all, plain, at), err));
}

/* Keeps what begins at `from`. */
static bool hold(struct mask *mask, struct secret *all, size_t from, size_t covered,
                 struct error *err)
{
    struct str rest = str_slice(secret_str(all), from, secret_size(all));
    struct secret *held = NULL;
    if (rest.size > 0) {
        held = secret_new(LIMIT_MASK);
        if (!held || !secret_append(held, rest, err)) {
            secret_free(held);
            return error_set(err, ERROR_MEMORY, "out of memory");
        }
    }
    secret_free(mask->held);
    *mask = (struct mask){held, covered > from ? covered - from : 0};
    return true;
}

static bool apply(struct mask *mask, const struct needles *needles, struct str more, bool is_end,
                  struct secret *into, struct error *err)
{
    SECRET_AUTO all = secret_new(LIMIT_MASK);
    size_t covered = mask->covered, at;
    if (!all || (mask->held && !secret_append_secret(all, mask->held, err)) ||
        !secret_append(all, more, err)) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    return scan(needles, secret_str(all), is_end, &covered, &at, into, err) &&
           hold(mask, all, at, covered, err);
}

void mask_done(struct mask *mask)
{
    secret_free(mask->held);
    *mask = (struct mask){0};
}

bool mask_apply(struct mask *mask, struct str table, struct str more, bool is_end,
                struct secret *into, struct error *err)
{
    const struct needles needles = needles_open(table);
    size_t before = secret_size(into);
    struct error unused;
    bool ok = apply(mask, &needles, more, is_end, into, err);
    if (!ok) {
        (void)secret_resize(into, before, &unused);
    }
    return ok;
}
