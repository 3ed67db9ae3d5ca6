/* What a resolution asks for, as a tree: vaults, their items, the files of items. References wait
 * in chains (next[index]), first at the vault, then at the item, then at the file. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "connect/answer.h"
#include "connect/known.h"

enum { WANTED_NONE = -1 };

struct wanted_file {
    struct wanted_file *next;
    struct wanted_item *item;
    char id[KNOWN_ID_SIZE];
    ssize_t first; /* reference, or WANTED_NONE */
};

struct wanted_item {
    struct wanted_item *next;
    struct wanted_vault *vault;
    char id[KNOWN_ID_SIZE];
    uint64_t version; /* by the vault's list */
    ssize_t first;
    struct wanted_file *files; /* owned */
};

struct wanted_vault {
    struct wanted_vault *next;
    struct resolve *resolve;
    char id[KNOWN_ID_SIZE];
    bool listed; /* else it was only named by an ID */
    ssize_t first;
    struct answer_list items;
    struct wanted_item **by_entry; /* owned; parallel to items.entries */
    struct wanted_item *read;      /* owned; all items that are read */
    uint64_t content_version;
};

/* Finds it among those that are wanted, or adds it; *ret_new tells which. Null: no memory. */
struct wanted_file *wanted_file(struct wanted_item *item, struct str id, bool *ret_new);
struct wanted_item *wanted_item(struct wanted_vault *vault, const struct answer_entry *entry,
                                bool *ret_new);
struct wanted_vault *wanted_vault(struct wanted_vault **list, struct str id, bool *ret_new);

/* All of the list, with what hangs on it. */
void wanted_free(struct wanted_vault *list);
