#include "render/env.h"

#include <search.h>
#include <string.h>

#include "base/limits.h"
#include "render/dialect.h"

static const struct dialect_rules *rules_of(enum dialect dialect)
{
    static const struct dialect_rules *const table[DIALECTS] = {
        [DIALECT_SH] = &dialect_sh,
        [DIALECT_COMPOSE] = &dialect_compose,
        [DIALECT_DOCKER] = &dialect_docker,
        [DIALECT_SYSTEMD] = &dialect_systemd,
        [DIALECT_KUBERNETES] = &dialect_kubernetes,
        [DIALECT_PORTABLE] = &dialect_portable,
    };
    return table[dialect];
}

/* What was written, compared with what a reader finds. */
struct proof {
    const struct env_entry *entries;
    size_t count;
    size_t seen;
};

static bool compare_entry(void *context, struct str name, const struct secret *value,
                          struct error *err)
{
    struct proof *proof = context;
    const struct env_entry *entry = &proof->entries[proof->seen];
    if (proof->seen == proof->count || !str_is(name, entry->name) ||
        !secret_equal(value, entry->value)) {
        return error_set(err, ERROR_CONTENT, "variable %.*s would be read differently",
                         (int)name.size, name.bytes);
    }
    proof->seen++;
    return true;
}

static bool prove(const struct dialect_rules *rules, struct str text,
                  const struct env_entry entries[], size_t count, struct error *err)
{
    for (size_t i = 0; i < DIALECT_READERS && rules->readers[i].read; i++) {
        struct proof proof = {entries, count, 0};
        const struct env_reader reader = {compare_entry, &proof};
        if (!rules->readers[i].read(text, &reader, err)) {
            return error_wrap(err, "not published, because the proof by the rules of %s failed",
                              rules->readers[i].name);
        }
        if (proof.seen != count) {
            return error_set(err, ERROR_CONTENT,
                             "not published, because %s would read %zu of %zu variables",
                             rules->readers[i].name, proof.seen, count);
        }
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    const struct env_entry *left = a;
    const struct env_entry *right = b;
    return strcmp(left->name, right->name);
}

static void keep_entry(void *entry)
{
    (void)entry; /* borrowed */
}

static bool check_name(void **tree, const struct env_entry *entry, struct error *err)
{
    struct dialect_cursor cursor = {str_from(entry->name), 0};
    if (dialect_name_at(&cursor).size == 0 || cursor.at != cursor.text.size) {
        return error_set(err, ERROR_CONTENT, "\"%.64s\" cannot be the name of a variable",
                         entry->name);
    }
    const struct env_entry **found = tsearch(entry, tree, compare_names);
    if (!found) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    return *found == entry ||
           error_set(err, ERROR_CONTENT, "variable %s is there twice", entry->name);
}

static bool check_names(const struct env_entry entries[], size_t count, struct error *err)
{
    void *tree = NULL;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        ok = check_name(&tree, &entries[i], err);
    }
    tdestroy(tree, keep_entry);
    return ok;
}

bool env_check(enum dialect dialect, const char *name, struct str value, struct error *err)
{
    if (strlen(name) + value.size + 2 > LIMIT_VARIABLE) {
        return error_set(err, ERROR_CONTENT,
                         "the value of variable %s has %zu bytes, and Linux carries at most %d in "
                         "NAME=value; publish it as a file of its own, with \"content\"",
                         name, value.size, LIMIT_VARIABLE - 1);
    }
    return rules_of(dialect)->check(value, err) ||
           error_wrap(err, "the value of variable %s", name);
}

static bool write_entries(enum dialect dialect, const struct env_entry entries[], size_t count,
                          struct secret *text, size_t *ret_wrong, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        *ret_wrong = i;
        if (!env_check(dialect, entries[i].name, secret_str(entries[i].value), err)) {
            return false;
        }
        if (!rules_of(dialect)->write(&entries[i], text, err)) {
            return error_wrap(err, "the value of variable %s", entries[i].name);
        }
    }
    *ret_wrong = count;
    return true;
}

bool env_render(enum dialect dialect, const struct env_entry entries[], size_t count,
                struct secret *text, size_t *ret_wrong, struct error *err)
{
    const struct dialect_rules *rules = rules_of(dialect);
    *ret_wrong = count;
    if (!check_names(entries, count, err) ||
        !write_entries(dialect, entries, count, text, ret_wrong, err)) {
        return false;
    }
    if (rules->file_limit && secret_size(text) > rules->file_limit) {
        return error_set(err, ERROR_CONTENT,
                         "the file has %zu bytes, and %s reads at most %zu; split it",
                         secret_size(text), rules->readers[0].name, rules->file_limit);
    }
    return prove(rules, secret_str(text), entries, count, err);
}

bool env_read(enum dialect dialect, struct str text, const struct env_reader *reader,
              struct error *err)
{
    return rules_of(dialect)->readers[0].read(text, reader, err);
}
