#include "render/filter.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/limits.h"

struct bytes {
    const char *at;
    size_t size;
};
#define B(literal)                                                                                 \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

/* As a template writes them, between bars: "trim|indent 4". */
static size_t parse_all(const char *written, struct filter_use uses[], size_t room)
{
    struct str text = str_from(written);
    size_t count = 0;
    for (size_t at = 0; at < text.size; count++) {
        struct error error;
        size_t end = str_find(text, at, "|");
        cr_assert(count < room && filter_parse(str_slice(text, at, end), &uses[count], &error),
                  "%s", error.message);
        at = end + 1;
    }
    return count;
}

static bool apply(const char *written, struct str in, struct secret *into, struct error *error)
{
    struct filter_use uses[8];
    size_t count = parse_all(written, uses, sizeof(uses) / sizeof(uses[0]));
    return filter_apply(in, uses, count, into, error);
}

Test(filter, makes_of_bytes_what_its_help_says)
{
    const struct {
        const char *filters;
        struct bytes in, out;
    } cases[] = {
        {"base64", B(""), B("")}, /* the first are of RFC 4648, 10 */
        {"base64", B("f"), B("Zg==")},
        {"base64", B("fo"), B("Zm8=")},
        {"base64", B("foo"), B("Zm9v")},
        {"base64", B("\0\xfb\xff"), B("APv/")},
        {"base64url", B("\xfb\xff"), B("-_8")},
        {"base64decode", B("Zm9v"), B("foo")},
        {"base64decode", B(" Zm\r\n9v\tYg = =\n"), B("foob")},
        {"base64decode", B("-_8"), B("\xfb\xff")},
        {"base64decode", B("+/8="), B("\xfb\xff")},
        {"base64decode", B(" \n"), B("")},
        {"indent 2", B("a\n\nb"), B("  a\n  \n  b")},
        {"indent 2", B("a\n"), B("  a\n")},
        {"indent 2", B(""), B("")},
        {"indent 0", B("a\nb"), B("a\nb")},
        {"json", B("a\"\\\n/"), B("a\\\"\\\\\\n/")},
        {"lines", B(""), B("")},
        {"lines", B("a"), B("a\n")},
        {"lines", B("a\r\nb\rc\n"), B("a\nb\nc\n")},
        {"lines", B("a\r"), B("a\n")},
        {"lines", B("\r\r\n\n"), B("\n\n\n")},
        {"lower", B("AZ@[az\xc3\x89"), B("az@[az\xc3\x89")},
        {"upper", B("az`{AZ\xc3\xa9"), B("AZ`{AZ\xc3\xa9")},
        {"sh", B("it's"), B("'it'\\''s'")},
        {"trim", B(" \t\r\n a b \n"), B("a b")},
        {"trim", B(" \n"), B("")},
        {"urlencode", B("aZ09-._~ /?%\0\xff+"), B("aZ09-._~%20%2F%3F%25%00%FF%2B")},
        {"xml", B("<a b='c'>&"), B("&#60;a b=&#39;c&#39;&#62;&#38;")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error error = {.message = ""};
        SECRET_AUTO into = secret_new(LIMIT_OUTPUT_FILE);
        const struct str in = {cases[i].in.at, cases[i].in.size};
        const struct str out = {cases[i].out.at, cases[i].out.size};
        cr_expect(apply(cases[i].filters, in, into, &error), "%s: %s", cases[i].filters,
                  error.message);
        cr_expect(str_equal(secret_str(into), out), "case %zu, %s: %s", i, cases[i].filters,
                  secret_bytes(into));
    }
}

Test(filter, indent_takes_the_most_blanks_that_a_template_can_ask_for)
{
    struct error error;
    SECRET_AUTO into = secret_new(LIMIT_OUTPUT_FILE);
    cr_assert(apply("indent 64", str_from("x"), into, &error));
    cr_expect_eq(secret_size(into), 65);
    cr_expect_eq(strspn(secret_bytes(into), " "), 64);
}

Test(filter, several_work_in_their_order_and_append)
{
    struct error error;
    SECRET_AUTO into = secret_new(LIMIT_OUTPUT_FILE);
    cr_assert(secret_append(into, str_from("before:"), &error));
    cr_assert(apply("trim|upper|base64|indent 1", str_from(" foo "), into, &error));
    cr_expect_str_eq(secret_bytes(into), "before: Rk9P");
    cr_assert(filter_apply(str_from("+none"), NULL, 0, into, &error));
    cr_expect_str_eq(secret_bytes(into), "before: Rk9P+none");
}

Test(filter, errors_name_the_filter_and_never_the_bytes_and_nothing_is_appended)
{
    const struct {
        const char *filters;
        struct bytes in;
        const char *said[2];
    } wrong[] = {
        {"base64decode", B("canary!"), {"filter base64decode: ", "not base64 at byte 6"}},
        {"base64decode", B(" canary \n c*"), {"filter base64decode: ", "byte 7"}},
        {"base64decode", B("canar"), {"filter base64decode: ", "cut off"}},
        {"base64decode", B("Y2FuYXJ5=A"), {"filter base64decode: ", "byte 8"}},
        {"trim|json", B("canary\xff"), {"filter json: ", "UTF-8 at byte 6"}},
        {"json|trim", B("canary\xc3"), {"filter json: ", "use the filter base64"}},
        {"xml", B("canary\x01"), {"filter xml: ", "U+0001"}},
        {"xml", B("\xed\xa0\x80 canary"), {"filter xml: ", "UTF-8 at byte 0"}},
        {"sh", B("canary\0canary"), {"filter sh: ", "NUL"}},
        {"upper|base64decode|xml", B("canary*"), {"filter base64decode: ", "byte 6"}},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct error error = {.message = ""};
        SECRET_AUTO into = secret_new(LIMIT_OUTPUT_FILE);
        cr_assert(secret_append(into, str_from("before"), &error));
        cr_expect_not(
            apply(wrong[i].filters, (struct str){wrong[i].in.at, wrong[i].in.size}, into, &error),
            "case %zu", i);
        cr_expect_eq(error.code, ERROR_CONTENT, "case %zu", i);
        cr_expect(str_starts(str_from(error.message), wrong[i].said[0]) &&
                      strstr(error.message, wrong[i].said[1]),
                  "case %zu: %s", i, error.message);
        cr_expect_null(strcasestr(error.message, "canary"), "%s", error.message);
        cr_expect_str_eq(secret_bytes(into), "before", "case %zu", i);
    }
}

Test(filter, what_grows_too_large_is_refused_and_nothing_stays_in_memory)
{
    struct error error = {.message = ""};
    size_t size = LIMIT_OUTPUT_FILE / 64; /* line feeds, each with 64 blanks */
    size_t before = secret_in_use();
    {
        SECRET_AUTO large = secret_new(LIMIT_OUTPUT_FILE);
        SECRET_AUTO into = secret_new(LIMIT_OUTPUT_FILE);
        SECRET_AUTO small = secret_new(4);
        cr_assert(secret_resize(large, size, &error));
        memset(secret_bytes(large), '\n', size);
        cr_expect_not(apply("indent 64", secret_str(large), into, &error));
        cr_expect(strstr(error.message, "filter indent: larger than the limit"), "%s",
                  error.message);
        cr_expect_eq(secret_size(into), 0);
        cr_expect_not(apply("base64", str_from("canary"), small, &error));
        cr_expect_eq(secret_size(small), 0);
        cr_expect_null(strstr(error.message, "canary"));
    }
    cr_expect_eq(secret_in_use(), before);
}
