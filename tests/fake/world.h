#pragma once
/* What the fake server serves: vaults, their items as JSON documents, and the bytes of their
 * files. Every change bumps the versions as Connect does. */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_SIZE 27

struct file {
    char *id;
    char *name;
    unsigned char *data;
    size_t size;
};

/* The document is the FullItem of the API with all its members; it names the same files. */
struct item {
    char id[ID_SIZE];
    cJSON *doc;
    struct file *files;
    size_t n_files;
};

struct vault {
    char id[ID_SIZE];
    char *name;
    char *description;
    int64_t attribute_version;
    int64_t content_version;
    int64_t updated;
    struct item **items;
    size_t n_items;
};

struct world {
    struct vault **vaults;
    size_t n_vaults;
};

struct world *world_new(void);
void world_free(struct world *world);

/* Gives the ID that belongs to the path: the same at each start. */
void id_make(char id[ID_SIZE], const char *path);
void id_make_random(char id[ID_SIZE]);

/* Takes nothing; gives the new vault or item, owned by the world. An item takes its document,
 * whose id, vault, version and dates are set unless they are there. */
struct vault *world_add_vault(struct world *world, const char *id, const char *name);
struct item *vault_add_item(struct vault *vault, const char *id, cJSON *doc);

/* Takes the data. The file is added to the item, and to files[] of its document. */
struct file *item_add_file(struct vault *vault, struct item *item, struct file file);

/* Borrowed, or NULL. "_any" takes an ID first, then a name or title, the first that matches. */
struct vault *world_vault(struct world *world, const char *id);
struct vault *world_vault_any(struct world *world, const char *name);
struct item *vault_item(struct vault *vault, const char *id);
struct item *vault_item_any(struct vault *vault, const char *title);
struct file *item_file(struct item *item, const char *id);
struct file *item_file_any(struct item *item, const char *name);

/* False for an item in the trash (state DELETED), which the API does not show. */
bool item_is_active(const struct item *item);

/* Takes the document: it replaces the item's, which keeps id, vault, files, createdAt and state,
 * and gets the next version. */
void vault_update_item(struct vault *vault, struct item *item, cJSON *doc);

/* The item was changed in place: the next version of it and of the vault's content. */
void vault_touch_item(struct vault *vault, struct item *item);
void vault_remove_item(struct vault *vault, struct item *item);

/* Takes the data as the new content of the file. */
void vault_set_file(struct vault *vault, struct item *item, struct file *file, unsigned char *data,
                    size_t size);
