#include "connect/outcome.h"

#include <string.h>

bool outcome_init(struct outcome *outcome, const struct references *references, struct known *known,
                  struct values *values, struct error *err)
{
    *outcome = (struct outcome){.references = references, .values = values, .known = known};
    return known_init(&outcome->learnt, references->count, err);
}

void outcome_done(struct outcome *outcome)
{
    known_done(&outcome->learnt);
}

void outcome_set(struct outcome *outcome, size_t index, const struct wanted_item *item,
                 struct secret *bytes)
{
    outcome->changed = true;
    values_set(outcome->values, index, bytes);
    known_set_value(&outcome->learnt, index, item->vault->id, item->id, item->version);
}

static bool is_same_error(const struct known_reference *known, const struct error *error)
{
    return known->state == KNOWN_ERROR && known->error->code == error->code &&
           strcmp(known->error->message, error->message) == 0;
}

/* `item` and its version: "" and 0 when it was not found. */
static void fail(struct outcome *outcome, size_t index, const char *vault, const char *item,
                 uint64_t item_version, const struct error *error)
{
    struct error named = *error;
    error_wrap(&named, "%s", outcome->references->list[index]->text);
    values_fail(outcome->values, index, &named);
    if (!is_same_error(&outcome->known->references[index], &named)) {
        outcome->changed = true;
    }
    /* Without memory it is not known, and looked for again. */
    (void)known_set_error(&outcome->learnt, index, vault, item, item_version, &named);
}

void outcome_fail_in_item(struct outcome *outcome, size_t index, const struct wanted_item *item,
                          const struct error *error)
{
    fail(outcome, index, item->vault->id, item->id, item->version, error);
}

void outcome_fail(struct outcome *outcome, size_t index, const char *vault,
                  const struct error *error)
{
    fail(outcome, index, vault, "", 0, error);
}

bool outcome_keep(struct outcome *outcome, size_t index, struct error *err)
{
    const struct known_reference *known = &outcome->known->references[index];
    if (known->state == KNOWN_ERROR) {
        values_fail(outcome->values, index, known->error);
        return known_set_error(&outcome->learnt, index, known->vault, known->item,
                               known->item_version, known->error) ||
               error_set(err, ERROR_MEMORY, "out of memory");
    }
    values_keep(outcome->values, index);
    known_set_value(&outcome->learnt, index, known->vault, known->item, known->item_version);
    return true;
}

bool outcome_is_read(const struct outcome *outcome, size_t index, struct str item,
                     uint64_t item_version)
{
    const struct known_reference *known = &outcome->known->references[index];
    return known->state != KNOWN_NOTHING && item_version > 0 &&
           item_version == known->item_version && str_is(item, known->item);
}

void outcome_commit(struct outcome *outcome)
{
    struct known before = *outcome->known;
    *outcome->known = outcome->learnt;
    outcome->learnt = before;
}

void outcome_forget(struct outcome *outcome)
{
    known_forget(outcome->known);
    known_forget(&outcome->learnt);
    values_forget(outcome->values);
}
