#include "connect/known.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct known known;
static struct error error;

static void begin(void)
{
    cr_assert(known_init(&known, 3, &error));
}

static void end(void)
{
    known_done(&known);
}

TestSuite(known, .init = begin, .fini = end);

Test(known, begins_with_nothing)
{
    cr_expect_eq(known.count, 3);
    for (size_t i = 0; i < known.count; i++) {
        cr_expect_eq(known.references[i].state, KNOWN_NOTHING);
        cr_expect_str_empty(known.references[i].vault);
        cr_expect_str_empty(known.references[i].item);
        cr_expect_null(known.references[i].error);
    }
    cr_expect_eq(known_vault_version(&known, "v"), 0);
    cr_expect_not(known_has_vaults(&known));
}

Test(known, a_template_without_references_has_all_its_vaults)
{
    struct known none;
    cr_assert(known_init(&none, 0, &error));
    cr_expect(known_has_vaults(&none));
    known_forget(&none);
    known_done(&none);
    cr_expect_null(none.references);
}

Test(known, a_value_takes_the_place_of_an_error_and_the_other_way_round)
{
    struct error why = {.message = ""};
    error_set(&why, ERROR_NOT_FOUND, "no field");
    const struct known_reference *reference = &known.references[1];
    cr_assert(known_set_error(&known, 1, "v", "i", 4, &why));
    error_set(&why, ERROR_AMBIGUOUS, "another");
    cr_expect_eq(reference->state, KNOWN_ERROR);
    cr_expect_eq(reference->item_version, 4);
    cr_assert(reference->error);
    cr_expect_eq(reference->error->code, ERROR_NOT_FOUND, "it is a copy");
    cr_expect_str_eq(reference->error->message, "no field");
    known_set_value(&known, 1, "v2", "i2", 5);
    cr_expect_eq(reference->state, KNOWN_VALUE);
    cr_expect_null(reference->error);
    cr_expect_str_eq(reference->vault, "v2");
    cr_expect_str_eq(reference->item, "i2");
    cr_expect_eq(reference->item_version, 5);
    cr_assert(known_set_error(&known, 1, "v3", "", 0, &why));
    cr_assert(known_set_error(&known, 1, "v4", "", 0, &why));
    cr_expect_eq(reference->state, KNOWN_ERROR);
    cr_expect_eq(reference->error->code, ERROR_AMBIGUOUS);
    cr_expect_str_eq(reference->vault, "v4");
    cr_expect_str_empty(reference->item);
    cr_expect_eq(reference->item_version, 0);
    cr_expect_eq(known.references[0].state, KNOWN_NOTHING, "the others are left alone");
    cr_expect_eq(known.references[2].state, KNOWN_NOTHING);
}

Test(known, a_vault_is_there_once_with_its_last_version)
{
    cr_assert(known_set_vault(&known, "v", 7) && known_set_vault(&known, "w", 0) &&
              known_set_vault(&known, "v", 9));
    cr_expect_eq(known_vault_version(&known, "v"), 9);
    cr_expect_eq(known_vault_version(&known, "w"), 0);
    cr_expect_eq(known_vault_version(&known, "V"), 0, "IDs are compared byte for byte");
    cr_assert(known_set_vault(&known, "v", 0), "a server that no longer tells it");
    cr_expect_eq(known_vault_version(&known, "v"), 0);
    size_t count = 0;
    for (const struct known_vault *vault = known.vaults; vault; vault = vault->next) {
        count++;
    }
    cr_expect_eq(count, 2);
}

/* Also one that leads nowhere within its vault; not one whose vault was not found. */
Test(known, has_vaults_when_every_reference_has_one)
{
    struct error why = {.message = ""};
    error_set(&why, ERROR_NOT_FOUND, "no item");
    known_set_value(&known, 0, "v", "i", 1);
    known_set_value(&known, 1, "w", "i", 1);
    cr_expect_not(known_has_vaults(&known));
    cr_assert(known_set_error(&known, 2, "", "", 0, &why));
    cr_expect_not(known_has_vaults(&known));
    cr_assert(known_set_error(&known, 2, "v", "", 0, &why));
    cr_expect(known_has_vaults(&known));
}

Test(known, forgets_everything_and_can_learn_again)
{
    struct error why = {.message = ""};
    error_set(&why, ERROR_NOT_FOUND, "no item");
    known_set_value(&known, 0, "v", "i", 1);
    known_set_value(&known, 1, "v", "i", 1);
    cr_assert(known_set_error(&known, 2, "v", "i", 1, &why) && known_set_vault(&known, "v", 7));
    known_forget(&known);
    cr_expect_eq(known.count, 3);
    cr_expect_eq(known_vault_version(&known, "v"), 0);
    cr_expect_not(known_has_vaults(&known));
    for (size_t i = 0; i < known.count; i++) {
        cr_expect_eq(known.references[i].state, KNOWN_NOTHING);
        cr_expect_null(known.references[i].error);
    }
    known_set_value(&known, 2, "x", "j", 2);
    cr_assert(known_set_vault(&known, "x", 3));
    cr_expect_eq(known.references[2].state, KNOWN_VALUE);
    cr_expect_eq(known_vault_version(&known, "x"), 3);
}

/* Whatever a peer calls an ID: it neither overflows nor is mixed up with a shorter one. */
Test(known, an_id_that_is_too_long_is_cut_and_vaults_of_it_count_as_changed)
{
    char long_id[200];
    memset(long_id, 'x', sizeof(long_id) - 1);
    long_id[sizeof(long_id) - 1] = '\0';
    known_set_value(&known, 0, long_id, long_id, 1);
    cr_expect_eq(strlen(known.references[0].vault), KNOWN_ID_SIZE - 1);
    cr_expect_eq(strlen(known.references[0].item), KNOWN_ID_SIZE - 1);
    cr_assert(known_set_vault(&known, long_id, 5));
    cr_expect_eq(known_vault_version(&known, long_id), 0);
}
