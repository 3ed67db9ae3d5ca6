#include "render/mask.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "render/escape.h"

enum { BUCKETS = 4096, KEY = 2 }; /* bytes that choose a bucket */

/* A set is a row of lines, each its size and its bytes; an index lists them by their first bytes.
 */
struct line {
    struct str text; /* borrowed from the set */
    uint32_t next;   /* in its bucket; 0: none */
};

struct index {
    struct line *lines; /* owned; from 1 on */
    size_t count;
    size_t longest;
    bool first[UINT8_MAX + 1]; /* bytes that a line begins with */
    uint32_t buckets[BUCKETS];
};

static size_t bucket_of(const char *bytes)
{
    const unsigned char *at = (const unsigned char *)bytes;
    return ((size_t)at[0] << 4 ^ at[1]) % BUCKETS;
}

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

static bool index_make(const struct secret *set, struct index *ret_index, struct error *err)
{
    struct str rest = secret_str(set), text;
    *ret_index = (struct index){.lines = calloc(count_lines(rest) + 1, sizeof(struct line))};
    if (!ret_index->lines) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    while (take_line(&rest, &text)) {
        uint32_t *head = &ret_index->buckets[bucket_of(text.bytes)];
        ret_index->lines[++ret_index->count] = (struct line){text, *head};
        *head = (uint32_t)ret_index->count;
        ret_index->first[(unsigned char)text.bytes[0]] = true;
        ret_index->longest = text.size > ret_index->longest ? text.size : ret_index->longest;
    }
    return true;
}

static void index_done(struct index *index)
{
    free(index->lines);
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

static bool index_has(const struct index *index, struct str text)
{
    uint32_t at = index->buckets[bucket_of(text.bytes)];
    while (at && !str_equal(index->lines[at].text, text)) {
        at = index->lines[at].next;
    }
    return at != 0;
}

bool mask_add_older(struct secret *set, const struct secret *older, struct error *err)
{
    struct index index;
    SECRET_AUTO missing = secret_new(LIMIT_MASK);
    struct str rest = secret_str(older), line;
    if (!missing || !index_make(set, &index, err)) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    bool ok = true;
    size_t room = LIMIT_MASK - secret_size(set);
    while (ok && take_line(&rest, &line)) {
        bool fits = secret_size(missing) + sizeof(uint32_t) + line.size <= room;
        ok = !fits || index_has(&index, line) || add_line(missing, line, err);
    }
    index_done(&index);
    return ok && secret_append_secret(set, missing, err);
}

/* --- the stream --- */

struct sight {
    size_t longest; /* bytes of the longest line that begins here; 0: none does */
    bool is_open;   /* one may begin here that goes on beyond the end */
};

/* Of all lines in the bucket, against what there is from here on: at least KEY bytes. */
static struct sight look_in_bucket(const struct index *index, struct str here)
{
    struct sight sight = {0, false};
    for (uint32_t at = index->buckets[bucket_of(here.bytes)]; at; at = index->lines[at].next) {
        struct str line = index->lines[at].text;
        size_t size = line.size < here.size ? line.size : here.size;
        if (!str_equal(str_slice(line, 0, size), str_slice(here, 0, size))) {
            continue;
        }
        if (line.size > here.size) {
            sight.is_open = true;
        } else if (line.size > sight.longest) {
            sight.longest = line.size;
        }
    }
    return sight;
}

static struct sight look(const struct index *index, struct str here)
{
    if (!index->first[(unsigned char)here.bytes[0]]) {
        return (struct sight){0, false};
    }
    return here.size < KEY ? (struct sight){0, true} : look_in_bucket(index, here);
}

/* Everything in `all` up to where it must wait; *ret_at is there, *covered the end of what values
 * have covered so far. */
static bool scan(const struct index *index, struct str all, bool is_end, size_t *covered,
                 size_t *ret_at, struct secret *into, struct error *err)
{
    size_t at = 0, plain = *covered; /* where the bytes begin that are to be let through */
    bool ok = true;
    for (; ok && at < all.size; at++) {
        struct sight sight = look(index, str_slice(all, at, all.size));
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

static bool apply(struct mask *mask, const struct index *index, struct str more, bool is_end,
                  struct secret *into, struct error *err)
{
    SECRET_AUTO all = secret_new(LIMIT_MASK);
    size_t covered = mask->covered, at;
    if (!all || (mask->held && !secret_append_secret(all, mask->held, err)) ||
        !secret_append(all, more, err)) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    return scan(index, secret_str(all), is_end, &covered, &at, into, err) &&
           hold(mask, all, at, covered, err);
}

void mask_done(struct mask *mask)
{
    secret_free(mask->held);
    *mask = (struct mask){0};
}

bool mask_apply(struct mask *mask, const struct secret *set, struct str more, bool is_end,
                struct secret *into, struct error *err)
{
    struct index index;
    size_t before = secret_size(into);
    struct error unused;
    if (!index_make(set, &index, err)) {
        return false;
    }
    bool ok = apply(mask, &index, more, is_end, into, err);
    index_done(&index);
    if (!ok) {
        (void)secret_resize(into, before, &unused);
    }
    return ok;
}
