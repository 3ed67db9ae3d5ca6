/* Answers of Connect, taken apart and forgiving (connect-api.md, "Shapes that break naive
 * clients"): texts point into the parsed tree, absent ones have size 0, unknown members do not
 * matter. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/str.h"

struct cJSON;

/* A vault, or the summary of an item: what a name or an ID can find. */
struct answer_entry {
    struct str id;
    struct str name; /* of a vault; the title of an item */
    uint64_t version;
    bool archived;
};

struct answer_list {
    struct cJSON *json;            /* owned */
    struct answer_entry *entries;  /* owned */
    struct answer_entry **by_id;   /* owned; sorted */
    struct answer_entry **by_name; /* owned; sorted without regard to case */
    size_t count;
};

struct answer_section {
    struct str id, label;
};

struct answer_field {
    struct str id, label, type, purpose, value, totp;
    struct str section; /* ID; size 0: none */
};

struct answer_file {
    struct str id, name, section;
    uint64_t size;
};

struct answer_url {
    struct str label, href;
    bool primary;
};

struct answer_item {
    struct cJSON *json; /* owned */
    struct str id, title;
    uint64_t version;
    struct answer_section *sections; /* all owned */
    struct answer_field *fields;
    struct answer_file *files;
    struct answer_url *urls;
    size_t sections_count, fields_count, files_count, urls_count;
};

/* IDs go into URLs: nothing that means something there, at most 64 bytes. Wider than the documented
 * ^[a-z0-9]{26}$ on purpose. */
bool answer_is_usable_id(struct str id);

/* Array of vaults, or of item summaries. Entries without a usable ID are an ERROR_PROTOCOL: what
 * cannot be asked for cannot be told apart either. */
bool answer_parse_list(const struct secret *body, struct answer_list *ret_list, struct error *err);
void answer_list_done(struct answer_list *list);

bool answer_parse_item(const struct secret *body, struct answer_item *ret_item, struct error *err);
void answer_item_done(struct answer_item *item);

struct answer_vault {         /* an object with an ID */
    uint64_t content_version; /* 0 when the server does not tell */
    char name[256];           /* "" when it does not tell, or it is longer */
};

bool answer_parse_vault(const struct secret *body, struct answer_vault *ret_vault,
                        struct error *err);
