#include "base/json.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/secret.h"

static bool parses(struct str text)
{
    struct cJSON *json;
    struct error error;
    if (!json_parse(text, &json, &error)) {
        cr_expect_eq(error.code, ERROR_PROTOCOL);
        return false;
    }
    json_free(json);
    return true;
}

Test(json, accepts_whole_values_only)
{
    cr_expect(parses(str_from(" {\"a\": [1, \"x\"]} \n")));
    const char *const wrong[] = {"",
                                 "  ",
                                 "{",
                                 "[1,",
                                 "{\"a\":}",
                                 "[] []",
                                 "<html>",
                                 "{\"a\": \"b",
                                 "nul",
                                 "{\"a\": \"\\u0000\"}",
                                 "[\"a\\u0000\"]"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_not(parses(str_from(wrong[i])), "%s", wrong[i]);
    }
    cr_expect_not(parses((struct str){"[\"a\0b\"]", 7}));
}

Test(json, an_escaped_backslash_before_u0000_is_text)
{
    cr_expect(parses(str_from("[\"\\\\u0000\"]")));
}

Test(json, depth_is_limited)
{
    char text[2 * LIMIT_JSON_DEPTH + 8];
    for (int deep = LIMIT_JSON_DEPTH; deep <= LIMIT_JSON_DEPTH + 1; deep++) {
        memset(text, '[', (size_t)deep);
        memset(text + deep, ']', (size_t)deep);
        cr_expect_eq(parses((struct str){text, 2 * (size_t)deep}), deep == LIMIT_JSON_DEPTH);
    }
    cr_expect(parses(str_from("\"[[[[\"")));
}

Test(json, nothing_stays_in_memory)
{
    cr_expect(parses(str_from("{\"a\": {\"b\": \"canary\"}}")));
    cr_expect_eq(secret_mapped(), 0);
}

Test(json, accessors_forgive)
{
    struct cJSON *json;
    struct error error;
    uint64_t number = 7;
    cr_assert(json_parse(str_from("{\"t\": 1, \"s\": null, \"n\": -1, \"big\": 1e300, \"ok\": 12}"),
                         &json, &error));
    cr_expect_eq(json_text(json, "t").size, 0);
    cr_expect_eq(json_text(json, "s").size, 0);
    cr_expect_eq(json_text(json, "absent").size, 0);
    cr_expect_not(json_number(json, "n", &number) || json_number(json, "big", &number));
    cr_expect_eq(number, 7);
    cr_expect(json_number(json, "ok", &number) && number == 12);
    cr_expect_eq(json_text(NULL, "x").size, 0);
    json_free(json);
}
