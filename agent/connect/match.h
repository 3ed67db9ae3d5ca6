/* What a part of a reference means (connect-api.md, "Secret references"). Every rule is here, and
 * none of them guesses: several matches are ERROR_AMBIGUOUS with the candidates' IDs, none is
 * ERROR_NOT_FOUND with the nearest name. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/secret.h"
#include "connect/answer.h"
#include "model/reference.h"

/* An ID first, then a name without regard to case. `kind` is "vault" or "item", for messages. An
 * archived item is found by its ID, and by its title not at all. */
bool match_entry(const struct answer_list *list, struct str part, const char *kind,
                 const struct answer_entry **ret_entry, struct error *err);

enum match_kind {
    MATCH_TEXT, /* of a field, or an attribute of a file */
    MATCH_FILE, /* the content of a file, which is another request */
    MATCH_KEY,  /* a private key, to be converted with its public half (connect/openssh.h) */
};

struct match {
    enum match_kind kind;
    struct str text;
    struct str public_key; /* of MATCH_KEY; size 0 when the item has none */
    uint64_t number;       /* with `is_number`: a file's size */
    bool is_number;
    const struct answer_file *file;
};

/* Section, then field or file, then attribute. The match points into the item. */
bool match_in_item(const struct answer_item *item, const struct reference *reference,
                   struct match *ret_match, struct error *err);
