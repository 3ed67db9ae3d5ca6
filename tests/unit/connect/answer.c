#include "connect/answer.h"

#include <criterion/criterion.h>

#include "base/secret.h"

static struct secret *body_of(const char *text)
{
    struct error error;
    struct secret *body = secret_new(1 << 20);
    cr_assert(body && secret_append(body, str_from(text), &error));
    return body;
}

Test(answer, lists_that_are_none_are_protocol_errors)
{
    const char *const wrong[] = {"{}",
                                 "7",
                                 "[7]",
                                 "[{}]",
                                 "[{\"id\":\"\"}]",
                                 "[{\"id\":\"a/b\"}]",
                                 "[{\"id\":\"..\"}]",
                                 "[{\"id\":\"a?b\"}]",
                                 "[{\"id\":7}]"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct answer_list list;
        struct error error;
        SECRET_AUTO body = body_of(wrong[i]);
        cr_expect_not(answer_parse_list(body, &list, &error), "%s", wrong[i]);
        cr_expect_eq(error.code, ERROR_PROTOCOL);
    }
}

Test(answer, items_that_are_none_are_protocol_errors)
{
    const char *const wrong[] = {"[]", "7", "{}", "{\"title\":\"x\"}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct answer_item item;
        struct error error;
        SECRET_AUTO body = body_of(wrong[i]);
        cr_expect_not(answer_parse_item(body, &item, &error), "%s", wrong[i]);
        cr_expect_eq(error.code, ERROR_PROTOCOL);
    }
}

Test(answer, absent_and_odd_members_do_not_matter)
{
    struct answer_item item;
    struct error error;
    SECRET_AUTO body =
        body_of("{\"id\":\"x\",\"fields\":null,\"sections\":{},\"files\":\"\",\"urls\":[3]}");
    cr_assert(answer_parse_item(body, &item, &error));
    cr_expect_eq(item.fields_count + item.sections_count + item.files_count + item.urls_count, 0);
    answer_item_done(&item);
}

Test(answer, vault_tells_its_version_or_does_not)
{
    struct error error;
    struct answer_vault vault;
    SECRET_AUTO full = body_of("{\"id\":\"x\",\"contentVersion\":42}");
    SECRET_AUTO terse = body_of("{\"id\":\"x\"}");
    SECRET_AUTO wrong = body_of("{\"name\":\"x\"}");
    cr_expect(answer_parse_vault(full, &vault, &error) && vault.content_version == 42);
    cr_expect(answer_parse_vault(terse, &vault, &error) && vault.content_version == 0);
    cr_expect_not(answer_parse_vault(wrong, &vault, &error));
}

Test(answer, nothing_stays_in_memory)
{
    struct answer_list list;
    struct error error;
    struct secret *body = body_of("[{\"id\":\"a\",\"name\":\"b\"},{\"id\":\"c\"}]");
    cr_assert(answer_parse_list(body, &list, &error));
    cr_expect_eq(list.count, 2);
    answer_list_done(&list);
    secret_free(body);
    cr_expect_eq(secret_mapped(), 0);
}
