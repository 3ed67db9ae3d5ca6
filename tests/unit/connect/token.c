#include "connect/token.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* header.payload.signature with this payload, padded to a token's size. */
static char *make(const char *payload_base64)
{
    char *token;
    cr_assert(asprintf(&token, "%0*d.%s.%086d", 120, 0, payload_base64, 0) > 0);
    return token;
}

static bool reads(const char *text, struct token *token, struct error *error)
{
    const struct settings settings = {.token_file = NULL};
    return token_read(&settings, text, token, error);
}

Test(token, what_cannot_be_one_has_its_message)
{
    char *good = make("e30");
    char *short_signature = strdup(good);
    short_signature[strlen(good) - 60] = '\0';
    const struct {
        const char *text, *said;
    } wrong[] = {
        {"", "empty"},
        {" \n", "empty"},
        {"ops_eyJzaWduSW4", "service-account"},
        {"abc", "in 1 parts"},
        {"a.b.c", "cut off"},
        {short_signature, "cut off"},
        {"token: x.y.z", "a character that none has, at byte 5"},
        {".b.c", "cut off"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct token token;
        struct error error;
        cr_expect_not(reads(wrong[i].text, &token, &error), "case %zu", i);
        cr_expect_eq(error.code, ERROR_TOKEN_FILE);
        cr_expect(strstr(error.message, wrong[i].said), "%s", error.message);
        cr_expect(strstr(error.message, "OP_CONNECT_TOKEN"), "%s", error.message);
    }
    free(good);
    free(short_signature);
}

Test(token, expiry_is_a_hint_and_blanks_around_do_not_matter)
{
    struct token token;
    struct error error;
    char *text = make("eyJleHAiOiAxNzAwMDAwMDAwfQ"); /* {"exp": 1700000000} */
    char *padded;
    cr_assert(asprintf(&padded, " %s\n\n", text) > 0);
    cr_assert(reads(padded, &token, &error), "%s", error.message);
    cr_expect_eq(token.expires, 1700000000);
    cr_expect(str_is(secret_str(token.bytes), text));
    error_set(&error, ERROR_TOKEN, "Connect rejects the token (401)");
    token_explain(&token, 1800000000, &error);
    cr_expect(strstr(error.message, "expired on 2023-11-14"), "%s", error.message);
    token_done(&token);
    free(text);
    free(padded);
}

Test(token, payload_that_is_no_json_is_no_matter)
{
    struct token token;
    struct error error;
    char *text = make("e30x");
    cr_assert(reads(text, &token, &error));
    cr_expect_eq(token.expires, 0);
    token_done(&token);
    free(text);
}
