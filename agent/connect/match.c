#include "connect/match.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_CANDIDATES = 5, CANDIDATES = 512, NAME = 96 };

/* The IDs of what matched, for the message. */
struct candidates {
    char text[CANDIDATES];
    size_t count;
};

static void add_candidate(struct candidates *candidates, const char *kind, struct str id)
{
    size_t used = strlen(candidates->text);
    char shown[NAME];
    str_print(id, shown, sizeof(shown));
    if (candidates->count < SHOWN_CANDIDATES) {
        snprintf(candidates->text + used, sizeof(candidates->text) - used, "%s%s%s%s",
                 used ? ", " : "", kind, kind[0] ? " " : "", shown[0] ? shown : "(no ID)");
    } else if (candidates->count == SHOWN_CANDIDATES) {
        snprintf(candidates->text + used, sizeof(candidates->text) - used, ", …");
    }
    candidates->count++;
}

static bool fail_ambiguous(const struct candidates *candidates, const char *kind, struct str part,
                           struct error *err)
{
    return error_set(err, ERROR_AMBIGUOUS,
                     "%s \"%.*s\" is ambiguous: %zu match (%s); write the ID instead of the name",
                     kind, (int)part.size, part.bytes, candidates->count, candidates->text);
}

static bool fail_missing(const char *kind, struct str part, const char *nearest, struct error *err)
{
    if (nearest) {
        char shown[NAME];
        str_print(str_from(nearest), shown, sizeof(shown));
        return error_set(err, ERROR_NOT_FOUND, "no %s \"%.*s\"; did you mean \"%s\"?", kind,
                         (int)part.size, part.bytes, shown);
    }
    return error_set(err, ERROR_NOT_FOUND, "no %s \"%.*s\"", kind, (int)part.size, part.bytes);
}

/* First position in the sorted list that is not before `part`. */
static size_t lower_bound(struct answer_entry *const *sorted, size_t count, bool names,
                          struct str part)
{
    size_t low = 0;
    while (count > 0) {
        size_t half = count / 2;
        const struct answer_entry *entry = sorted[low + half];
        if (str_compare_nocase(names ? entry->name : entry->id, part) < 0) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

static const struct answer_entry *find_id(const struct answer_list *list, struct str part)
{
    size_t at = lower_bound(list->by_id, list->count, false, part);
    bool found = at < list->count && str_compare_nocase(list->by_id[at]->id, part) == 0;
    return found ? list->by_id[at] : NULL;
}

static const char *nearest_entry(const struct answer_list *list, struct str part)
{
    const char *nearest = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const char *name = list->entries[i].name.bytes;
        if (name && list->count <= 1000 && str_suggest(part, &name, 1)) {
            nearest = name;
        }
    }
    return nearest;
}

bool match_entry(const struct answer_list *list, struct str part, const char *kind,
                 const struct answer_entry **ret_entry, struct error *err)
{
    struct candidates candidates = {.count = 0};
    const struct answer_entry *found = find_id(list, part);
    size_t archived = 0;
    if (found) {
        *ret_entry = found;
        return true;
    }
    for (size_t at = lower_bound(list->by_name, list->count, true, part);
         at < list->count && str_compare_nocase(list->by_name[at]->name, part) == 0; at++) {
        const struct answer_entry *entry = list->by_name[at];
        if (entry->archived) {
            archived++;
            continue;
        }
        found = entry;
        add_candidate(&candidates, "", entry->id);
    }
    if (candidates.count > 1) {
        return fail_ambiguous(&candidates, kind, part, err);
    }
    if (!found && archived > 0) {
        return error_set(err, ERROR_NOT_FOUND,
                         "%s \"%.*s\" is only in the archive; restore it, or write its ID", kind,
                         (int)part.size, part.bytes);
    }
    if (!found) {
        return fail_missing(kind, part, nearest_entry(list, part), err);
    }
    *ret_entry = found;
    return true;
}

static bool is_either(struct str id, struct str label, struct str part)
{
    return (id.size > 0 && str_equal_nocase(id, part)) ||
           (label.size > 0 && str_equal_nocase(label, part));
}

static bool is_default_section(struct str section)
{
    return section.size == 0 || str_is(section, "add more");
}

/* A section that no list names exists all the same when a field or file lies in it. */
static bool find_unlisted_section(const struct answer_item *item, struct str part,
                                  struct str *ret_id)
{
    for (size_t i = 0; i < item->fields_count; i++) {
        if (item->fields[i].section.size > 0 && str_equal_nocase(item->fields[i].section, part)) {
            *ret_id = item->fields[i].section;
            return true;
        }
    }
    for (size_t i = 0; i < item->files_count; i++) {
        if (item->files[i].section.size > 0 && str_equal_nocase(item->files[i].section, part)) {
            *ret_id = item->files[i].section;
            return true;
        }
    }
    return false;
}

static bool match_section(const struct answer_item *item, struct str part, struct str *ret_id,
                          struct error *err)
{
    struct candidates candidates = {.count = 0};
    const char *nearest = NULL;
    for (size_t i = 0; i < item->sections_count; i++) {
        const struct answer_section *section = &item->sections[i];
        const char *label = section->label.bytes;
        if (is_either(section->id, section->label, part)) {
            *ret_id = section->id;
            add_candidate(&candidates, "", section->id);
        } else if (label && str_suggest(part, &label, 1)) {
            nearest = label;
        }
    }
    if (candidates.count > 1) {
        return fail_ambiguous(&candidates, "section", part, err);
    }
    if (candidates.count == 1 || find_unlisted_section(item, part, ret_id)) {
        return true;
    }
    return fail_missing("section", part, nearest, err);
}

/* Fields and files that answer to the reference, counted twice: all, and those of the default
 * section, which win when no section is given. */
struct search {
    struct str part;
    struct str section;
    bool any_section;
    const struct answer_field *field[2];
    const struct answer_file *file[2];
    struct candidates candidates[2];
    const char *nearest;
};

enum { ALL, DEFAULTS };

static bool is_in_section(const struct search *search, struct str section)
{
    return search->any_section || (section.size > 0 && str_equal_nocase(section, search->section));
}

static void suggest(struct search *search, struct str label)
{
    if (!search->nearest && label.bytes && str_suggest(search->part, &label.bytes, 1)) {
        search->nearest = label.bytes;
    }
}

static void search_fields(struct search *search, const struct answer_item *item)
{
    for (size_t i = 0; i < item->fields_count; i++) {
        const struct answer_field *field = &item->fields[i];
        if (!is_in_section(search, field->section)) {
            continue;
        }
        if (!is_either(field->id, field->label, search->part)) {
            suggest(search, field->label);
            continue;
        }
        for (int set = ALL; set <= (is_default_section(field->section) ? DEFAULTS : ALL); set++) {
            search->field[set] = field;
            add_candidate(&search->candidates[set], "field", field->id);
        }
    }
}

static void search_files(struct search *search, const struct answer_item *item)
{
    for (size_t i = 0; i < item->files_count; i++) {
        const struct answer_file *file = &item->files[i];
        if (!is_in_section(search, file->section)) {
            continue;
        }
        if (!is_either(file->id, file->name, search->part)) {
            suggest(search, file->name);
            continue;
        }
        for (int set = ALL; set <= (is_default_section(file->section) ? DEFAULTS : ALL); set++) {
            search->file[set] = file;
            add_candidate(&search->candidates[set], "file", file->id);
        }
    }
}

/* URLs are no fields, but users refer to them by label; the primary one wins. */
static bool match_url(const struct answer_item *item, const struct reference *reference,
                      struct match *ret_match, bool *ret_found, struct error *err)
{
    struct candidates candidates = {.count = 0};
    const struct answer_url *found = NULL;
    for (size_t i = 0; i < item->urls_count; i++) {
        const struct answer_url *url = &item->urls[i];
        if (url->label.size > 0 && str_equal_nocase(url->label, reference->field)) {
            add_candidate(&candidates, "URL", url->label);
            found = !found || url->primary ? url : found;
        }
    }
    *ret_found = found != NULL;
    if (!found) {
        return true;
    }
    if (candidates.count > 1 && !found->primary) {
        return error_set(err, ERROR_AMBIGUOUS,
                         "URL \"%.*s\" is ambiguous: %zu URLs have this label and none of them is "
                         "the primary one",
                         (int)reference->field.size, reference->field.bytes, candidates.count);
    }
    if (reference->attribute != ATTRIBUTE_DEFAULT && reference->attribute != ATTRIBUTE_VALUE) {
        return error_set(err, ERROR_NOT_FOUND, "a URL has no attribute but value");
    }
    *ret_match = (struct match){.kind = MATCH_TEXT, .text = found->href};
    return true;
}

/* The "public key" of an SSH key's item. */
static struct str find_public_key(const struct answer_item *item)
{
    for (size_t i = 0; i < item->fields_count; i++) {
        const struct answer_field *field = &item->fields[i];
        if (str_is(field->id, "public_key") ||
            str_equal_nocase(field->label, str_from("public key"))) {
            return field->value;
        }
    }
    return (struct str){0};
}

static bool match_field(const struct answer_item *item, const struct answer_field *field,
                        const struct reference *reference, struct match *ret_match,
                        struct error *err)
{
    struct str text = field->value;
    switch (reference->attribute) {
    case ATTRIBUTE_DEFAULT:
    case ATTRIBUTE_VALUE:
        break;
    case ATTRIBUTE_OPENSSH:
        *ret_match =
            (struct match){.kind = MATCH_KEY, .text = text, .public_key = find_public_key(item)};
        return true;
    case ATTRIBUTE_TYPE:
        text = field->type;
        break;
    case ATTRIBUTE_ID:
        text = field->id;
        break;
    case ATTRIBUTE_PURPOSE:
        text = field->purpose;
        break;
    case ATTRIBUTE_OTP:
        text = field->totp;
        if (text.size == 0) {
            return error_set(err, ERROR_NOT_FOUND,
                             "the field is not a one-time password, or has no code now");
        }
        break;
    case ATTRIBUTE_CONTENT:
    case ATTRIBUTE_SIZE:
    case ATTRIBUTE_NAME:
        return error_set(err, ERROR_NOT_FOUND,
                         "a field has no such attribute, only a file; a field has value, type, id, "
                         "purpose and otp");
    }
    *ret_match = (struct match){.kind = MATCH_TEXT, .text = text};
    return true;
}

static bool match_file(const struct answer_file *file, const struct reference *reference,
                       struct match *ret_match, struct error *err)
{
    struct match match = {.kind = MATCH_TEXT, .file = file};
    switch (reference->attribute) {
    case ATTRIBUTE_DEFAULT:
    case ATTRIBUTE_CONTENT:
        match.kind = MATCH_FILE;
        break;
    case ATTRIBUTE_ID:
        match.text = file->id;
        break;
    case ATTRIBUTE_NAME:
        match.text = file->name;
        break;
    case ATTRIBUTE_SIZE:
        match.is_number = true;
        match.number = file->size;
        break;
    case ATTRIBUTE_VALUE:
    case ATTRIBUTE_TYPE:
    case ATTRIBUTE_PURPOSE:
    case ATTRIBUTE_OTP:
    case ATTRIBUTE_OPENSSH:
        return error_set(err, ERROR_NOT_FOUND,
                         "a file has no such attribute, only content, size, id and name");
    }
    *ret_match = match;
    return true;
}

bool match_in_item(const struct answer_item *item, const struct reference *reference,
                   struct match *ret_match, struct error *err)
{
    struct search search = {.part = reference->field, .any_section = reference->section.size == 0};
    bool found = false;
    if (!search.any_section && !match_section(item, reference->section, &search.section, err)) {
        return false;
    }
    search_fields(&search, item);
    search_files(&search, item);
    int set = search.any_section && search.candidates[DEFAULTS].count > 0 ? DEFAULTS : ALL;
    if (search.candidates[set].count > 1) {
        return fail_ambiguous(&search.candidates[set], "field", reference->field, err);
    }
    if (search.field[set]) {
        return match_field(item, search.field[set], reference, ret_match, err);
    }
    if (search.file[set]) {
        return match_file(search.file[set], reference, ret_match, err);
    }
    if (search.any_section && !match_url(item, reference, ret_match, &found, err)) {
        return false;
    }
    return found || fail_missing("field or file", reference->field, search.nearest, err);
}
