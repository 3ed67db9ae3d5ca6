/* A secret reference, op://vault/item/[section/]field-or-file[?query], taken apart, and the
 * set of distinct references of a template. Syntax: connect-api.md, "Secret references". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/findings.h"
#include "base/str.h"

enum reference_attribute {
    ATTRIBUTE_DEFAULT, /* a field's value or a file's content */
    ATTRIBUTE_VALUE,
    ATTRIBUTE_TYPE,
    ATTRIBUTE_ID,
    ATTRIBUTE_PURPOSE,
    ATTRIBUTE_OTP,
    ATTRIBUTE_CONTENT,
    ATTRIBUTE_SIZE,
    ATTRIBUTE_NAME,
    ATTRIBUTE_OPENSSH, /* ?ssh-format=openssh: the private key as OpenSSH writes it */
};

struct reference {
    char *text;         /* owned: as the template writes it; the parts below point into it */
    struct place place; /* where it was met first */
    struct str vault;
    struct str item;
    struct str section; /* size 0: none given */
    struct str field;   /* field or file */
    enum reference_attribute attribute;
};

/* Distinct references, found again in logarithmic time; an index stays valid for ever. */
struct references {
    struct reference **list; /* owned */
    size_t count;
    size_t capacity;
    void *tree;
};

/* Parses the whole of `text`. On failure *ret_at is the offset of the offending character. */
bool reference_parse(struct str text, struct reference *ret_reference, size_t *ret_at,
                     struct error *err);
void reference_done(struct reference *reference);

/* Equal means the same parts without regard to case, and the same attribute. */
int reference_compare(const struct reference *a, const struct reference *b);
/* 26 characters of a-z 0-9: an ID of 1Password, or a title that looks like one. */
bool reference_is_id(struct str part);
/* A character that a part may hold. */
bool reference_is_part_character(char c);

void references_init(struct references *references);
void references_done(struct references *references);
/* Adds, or finds, the reference written in `text`; ret_at as above. */
bool references_intern(struct references *references, struct str text, struct place place,
                       size_t *ret_index, size_t *ret_at, struct error *err);
