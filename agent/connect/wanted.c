#include "connect/wanted.h"

#include <stdlib.h>

struct wanted_file *wanted_file(struct wanted_item *item, struct str id, bool *ret_new)
{
    struct wanted_file *file = item->files;
    while (file && !str_is(id, file->id)) {
        file = file->next;
    }
    *ret_new = !file;
    if (file) {
        return file;
    }
    file = calloc(1, sizeof(*file));
    if (!file) {
        return NULL;
    }
    *file = (struct wanted_file){.next = item->files, .item = item, .first = WANTED_NONE};
    str_print(id, file->id, sizeof(file->id));
    item->files = file;
    return file;
}

struct wanted_item *wanted_item(struct wanted_vault *vault, const struct answer_entry *entry,
                                bool *ret_new)
{
    struct wanted_item **slot = &vault->by_entry[entry - vault->items.entries];
    struct wanted_item *item = *slot;
    *ret_new = !item;
    if (item) {
        return item;
    }
    item = calloc(1, sizeof(*item));
    if (!item) {
        return NULL;
    }
    *item = (struct wanted_item){
        .next = vault->read, .vault = vault, .version = entry->version, .first = WANTED_NONE};
    str_print(entry->id, item->id, sizeof(item->id));
    vault->read = *slot = item;
    return item;
}

struct wanted_vault *wanted_vault(struct wanted_vault **list, struct str id, bool *ret_new)
{
    struct wanted_vault *vault = *list;
    while (vault && !str_is(id, vault->id)) {
        vault = vault->next;
    }
    *ret_new = !vault;
    if (vault) {
        return vault;
    }
    vault = calloc(1, sizeof(*vault));
    if (!vault) {
        return NULL;
    }
    *vault = (struct wanted_vault){.next = *list, .first = WANTED_NONE};
    str_print(id, vault->id, sizeof(vault->id));
    *list = vault;
    return vault;
}

static void item_free(struct wanted_item *item)
{
    while (item->files) {
        struct wanted_file *next = item->files->next;
        free(item->files);
        item->files = next;
    }
    free(item);
}

static void vault_free(struct wanted_vault *vault)
{
    while (vault->read) {
        struct wanted_item *next = vault->read->next;
        item_free(vault->read);
        vault->read = next;
    }
    answer_list_done(&vault->items);
    free(vault->by_entry);
    free(vault);
}

void wanted_free(struct wanted_vault *list)
{
    while (list) {
        struct wanted_vault *next = list->next;
        vault_free(list);
        list = next;
    }
}
