#include "connect/match.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/secret.h"

static struct secret *body_of(const char *text)
{
    struct error error;
    struct secret *body = secret_new(1 << 20);
    cr_assert(body && secret_append(body, str_from(text), &error));
    return body;
}

static const char vaults[] =
    "[{\"id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"name\":\"Prod\"},"
    "{\"id\":\"bbbbbbbbbbbbbbbbbbbbbbbbbb\",\"name\":\"twin\"},"
    "{\"id\":\"cccccccccccccccccccccccccc\",\"name\":\"Twin\"},"
    "{\"id\":\"dddddddddddddddddddddddddd\",\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\"},"
    "{\"id\":\"eeeeeeeeeeeeeeeeeeeeeeeeee\",\"title\":\"old\",\"state\":\"ARCHIVED\"},"
    "{\"id\":\"ffffffffffffffffffffffffff\",\"title\":\"gggggggggggggggggggggggggg\"},"
    "{\"id\":\"hhhhhhhhhhhhhhhhhhhhhhhhhh\",\"title\":\"both\",\"state\":\"ARCHIVED\"},"
    "{\"id\":\"iiiiiiiiiiiiiiiiiiiiiiiiii\",\"title\":\"both\"},"
    "{\"id\":\"jjjjjjjjjjjjjjjjjjjjjjjjjj\"}]";

Test(match_entry, ids_win_names_ignore_case_nothing_is_guessed)
{
    const struct {
        const char *part;
        char id; /* first character, or 0 */
        enum error_code code;
        const char *said;
    } cases[] = {
        {"prod", 'a', 0, NULL},
        {"PROD", 'a', 0, NULL},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaa", 'a', 0, NULL}, /* also a name */
        {"AAAAAAAAAAAAAAAAAAAAAAAAAA", 'a', 0, NULL},
        {"gggggggggggggggggggggggggg", 'f', 0, NULL}, /* a name that looks like an ID */
        {"both", 'i', 0, NULL},
        {"eeeeeeeeeeeeeeeeeeeeeeeeee", 'e', 0, NULL},
        {"twin", 0, ERROR_AMBIGUOUS, "bbbbbbbbbbbbbbbbbbbbbbbbbb, cccccccccccccccccccccccccc"},
        {"prd", 0, ERROR_NOT_FOUND, "did you mean \"Prod\"?"},
        {"nothing like it", 0, ERROR_NOT_FOUND, "no vault \"nothing like it\""},
        {"old", 0, ERROR_NOT_FOUND, "only in the archive"},
    };
    struct answer_list list;
    struct error error;
    SECRET_AUTO body = body_of(vaults);
    cr_assert(answer_parse_list(body, &list, &error), "%s", error.message);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct answer_entry *entry = NULL;
        bool found = match_entry(&list, str_from(cases[i].part), "vault", &entry, &error);
        cr_assert_eq(found, cases[i].id != 0, "%s: %s", cases[i].part, error.message);
        if (found) {
            cr_expect_eq(entry->id.bytes[0], cases[i].id, "%s", cases[i].part);
        } else {
            cr_expect_eq(error.code, cases[i].code, "%s", cases[i].part);
            cr_expect(strstr(error.message, cases[i].said), "%s", error.message);
        }
    }
    answer_list_done(&list);
}

static const char item[] =
    "{\"id\":\"x\",\"title\":\"odd\",\"version\":3,\"future\":{\"a\":[1]},"
    "\"sections\":[{\"id\":\"s1\",\"label\":\"Same\"},{\"id\":\"s2\",\"label\":\"same\"},"
    "{\"id\":\"s3\",\"label\":\"third\"},{\"id\":\"add more\"},{}],"
    "\"fields\":[null, 7, {},"
    "{\"id\":\"f1\",\"label\":\"password\",\"type\":\"CONCEALED\",\"purpose\":\"PASSWORD\","
    "\"value\":\"v1\"},"
    "{\"id\":\"f2\",\"label\":\"Password\",\"value\":\"v2\",\"section\":{\"id\":\"s1\"}},"
    "{\"id\":\"f3\",\"label\":\"only\",\"value\":\"v3\",\"section\":{\"id\":\"s3\"}},"
    "{\"id\":\"f4\",\"label\":\"extra\",\"value\":\"v4\",\"section\":{\"id\":\"add more\"}},"
    "{\"id\":\"f5\",\"label\":\"extra\",\"value\":\"v5\",\"section\":{\"id\":\"s3\"}},"
    "{\"id\":\"f6\",\"label\":\"double\",\"value\":\"v6\",\"section\":{\"id\":\"s1\"}},"
    "{\"id\":\"f7\",\"label\":\"double\",\"value\":\"v7\",\"section\":{\"id\":\"s2\"}},"
    "{\"id\":\"f8\",\"label\":\"stray\",\"value\":\"v8\",\"section\":{\"id\":\"unlisted\"}},"
    "{\"id\":\"f9\",\"label\":\"code\",\"type\":\"OTP\",\"value\":\"otpauth://"
    "x\",\"totp\":\"123456\"},"
    "{\"id\":\"fa\",\"label\":\"empty\"},{\"id\":\"fb\",\"type\":\"FUTURE\",\"value\":\"vb\"},"
    "{\"id\":\"fc\",\"label\":\"clash\",\"value\":\"vc\"}],"
    "\"files\":[{\"id\":\"d1\",\"name\":\"key.p12\",\"size\":12,\"content_path\":\"v1/x\"},"
    "{\"id\":\"d2\",\"name\":\"clash\"},{\"id\":\"d3\",\"name\":\"in "
    "section\",\"section\":{\"id\":\"s3\"}}],"
    "\"urls\":[{\"label\":\"website\",\"href\":\"u1\"},"
    "{\"label\":\"website\",\"href\":\"u2\",\"primary\":true},"
    "{\"label\":\"docs\",\"href\":\"u3\"},{\"label\":\"docs\",\"href\":\"u4\"},{\"href\":\"u5\"}]}";

Test(match_in_item, every_rule)
{
    const struct {
        const char *reference;
        const char *text; /* "@ID" for the content of a file; null when it fails */
        enum error_code code;
        const char *said;
    } cases[] = {
        {"op://v/i/password", "v1", 0, NULL}, /* the default section wins */
        {"op://v/i/PASSWORD", "v1", 0, NULL},
        {"op://v/i/f2", "v2", 0, NULL},
        {"op://v/i/s1/password", "v2", 0, NULL},
        {"op://v/i/third/only", "v3", 0, NULL},
        {"op://v/i/only", "v3", 0, NULL},
        {"op://v/i/extra", "v4", 0, NULL}, /* "add more" is the default section */
        {"op://v/i/add more/extra", "v4", 0, NULL},
        {"op://v/i/unlisted/stray", "v8", 0, NULL},
        {"op://v/i/fb", "vb", 0, NULL}, /* no label, unknown type */
        {"op://v/i/empty", "", 0, NULL},
        {"op://v/i/code", "otpauth://x", 0, NULL},
        {"op://v/i/code?attribute=otp", "123456", 0, NULL},
        {"op://v/i/code?attribute=type", "OTP", 0, NULL},
        {"op://v/i/password?attribute=purpose", "PASSWORD", 0, NULL},
        {"op://v/i/password?attr=id", "f1", 0, NULL},
        {"op://v/i/key.p12", "@d1", 0, NULL},
        {"op://v/i/KEY.P12?attribute=content", "@d1", 0, NULL},
        {"op://v/i/d1?attribute=name", "key.p12", 0, NULL},
        {"op://v/i/third/in section", "@d3", 0, NULL},
        {"op://v/i/website", "u2", 0, NULL}, /* the primary URL wins */
        {"op://v/i/same/double", NULL, ERROR_AMBIGUOUS,
         "section \"same\" is ambiguous: 2 match (s1, s2)"},
        {"op://v/i/double", NULL, ERROR_AMBIGUOUS, "field f6, field f7"},
        {"op://v/i/clash", NULL, ERROR_AMBIGUOUS, "field fc, file d2"},
        {"op://v/i/docs", NULL, ERROR_AMBIGUOUS, "2 URLs"},
        {"op://v/i/same/nothing", NULL, ERROR_AMBIGUOUS,
         "section"}, /* before the field is looked at */
        {"op://v/i/fourth/x", NULL, ERROR_NOT_FOUND, "no section \"fourth\""},
        {"op://v/i/thirt/x", NULL, ERROR_NOT_FOUND, "did you mean \"third\"?"},
        {"op://v/i/third/password", NULL, ERROR_NOT_FOUND, "no field or file \"password\""},
        {"op://v/i/pasword", NULL, ERROR_NOT_FOUND, "did you mean \"password\"?"},
        {"op://v/i/third/website", NULL, ERROR_NOT_FOUND, "no field or file"},
        {"op://v/i/password?attribute=otp", NULL, ERROR_NOT_FOUND, "not a one-time password"},
        {"op://v/i/password?attribute=size", NULL, ERROR_NOT_FOUND, "only a file"},
        {"op://v/i/key.p12?attribute=purpose", NULL, ERROR_NOT_FOUND, "only content, size, id"},
        {"op://v/i/website?attribute=type", NULL, ERROR_NOT_FOUND, "no attribute but value"},
    };
    struct answer_item answer;
    struct error error;
    SECRET_AUTO body = body_of(item);
    cr_assert(answer_parse_item(body, &answer, &error), "%s", error.message);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reference reference = {0};
        struct match match = {0};
        size_t at;
        cr_assert(reference_parse(str_from(cases[i].reference), &reference, &at, &error));
        bool found = match_in_item(&answer, &reference, &match, &error);
        cr_assert_eq(found, cases[i].text != NULL, "%s: %s", cases[i].reference, error.message);
        if (!found) {
            cr_expect_eq(error.code, cases[i].code, "%s", cases[i].reference);
            cr_expect(strstr(error.message, cases[i].said), "%s: %s", cases[i].reference,
                      error.message);
        } else if (match.kind == MATCH_FILE) {
            cr_expect(str_is(match.file->id, cases[i].text + 1), "%s", cases[i].reference);
        } else {
            cr_expect(str_is(match.text, cases[i].text), "%s", cases[i].reference);
        }
        reference_done(&reference);
    }
    answer_item_done(&answer);
}

Test(match_in_item, size_of_a_file_is_a_number)
{
    struct answer_item answer;
    struct reference reference = {0};
    struct match match;
    struct error error;
    size_t at;
    SECRET_AUTO body = body_of(item);
    cr_assert(answer_parse_item(body, &answer, &error));
    cr_assert(
        reference_parse(str_from("op://v/i/key.p12?attribute=size"), &reference, &at, &error));
    cr_assert(match_in_item(&answer, &reference, &match, &error));
    cr_expect(match.is_number && match.number == 12);
    reference_done(&reference);
    answer_item_done(&answer);
}
