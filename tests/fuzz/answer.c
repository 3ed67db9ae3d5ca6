/* What a server may answer: a list, an item, a vault; then every kind of match in it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "connect/answer.h"
#include "connect/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void match(const struct answer_item *item, const char *text)
{
    struct reference reference = {0};
    struct match found;
    struct error error;
    size_t at;
    if (!reference_parse(str_from(text), &reference, &at, &error)) {
        abort();
    }
    (void)match_in_item(item, &reference, &found, &error);
    reference_done(&reference);
}

static void look(const struct secret *body)
{
    struct answer_list list;
    struct answer_item item;
    const struct answer_entry *entry;
    struct error error;
    struct answer_vault vault;
    (void)answer_parse_vault(body, &vault, &error);
    if (answer_parse_list(body, &list, &error)) {
        (void)match_entry(&list, str_from("prod"), "vault", &entry, &error);
        answer_list_done(&list);
    }
    if (answer_parse_item(body, &item, &error)) {
        match(&item, "op://v/i/password");
        match(&item, "op://v/i/section/file?attribute=size");
        match(&item, "op://v/i/website");
        answer_item_done(&item);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct error error;
    struct secret *body = secret_new(1 << 20);
    if (body && secret_append(body, (struct str){(const char *)bytes, size}, &error)) {
        look(body);
    }
    secret_free(body);
    if (secret_mapped() != 0) {
        abort(); /* something of the answer stayed */
    }
    return 0;
}
