#include "render/escape.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "seed.h"

enum { LIMIT = 1 << 16 };

enum language { JSON, XML, SH, PROPERTY_KEY, PROPERTY_VALUE };

static bool escape(enum language language, struct str text, struct secret *into,
                   struct error *error)
{
    switch (language) {
    case JSON:
        return escape_json(text, into, error);
    case XML:
        return escape_xml(text, into, error);
    case SH:
        return escape_sh(text, into, error);
    case PROPERTY_KEY:
        return escape_properties(text, true, into, error);
    default:
        return escape_properties(text, false, into, error);
    }
}

struct escaped {
    const char *text;
    size_t size;
    const char *expected;
};
#define CASE(literal, expected)                                                                    \
    {                                                                                              \
        literal, sizeof(literal) - 1, expected                                                     \
    }

static void expect(enum language language, const struct escaped cases[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct error error = {.message = ""};
        SECRET_AUTO into = secret_new(LIMIT);
        cr_assert(secret_append(into, str_from("+"), &error));
        cr_expect(escape(language, (struct str){cases[i].text, cases[i].size}, into, &error),
                  "case %zu: %s", i, error.message);
        cr_expect_str_eq(secret_bytes(into) + 1, cases[i].expected, "case %zu: %s", i,
                         secret_bytes(into));
        cr_expect_eq(secret_bytes(into)[0], '+', "it appends");
    }
}

Test(escape, json_has_what_json_and_yaml_readers_take)
{
    static const struct escaped cases[] = {
        CASE("", ""),
        CASE("plain / text", "plain / text"),
        CASE("\"\\", "\\\"\\\\"),
        CASE("\n\r\t", "\\n\\r\\t"),
        CASE("\0\x01\b\f\x1f", "\\u0000\\u0001\\u0008\\u000c\\u001f"),
        CASE("\x7e\x7f\xc2\x80\xc2\x85\xc2\x9f\xc2\xa0", "~\\u007f\\u0080\\u0085\\u009f\xc2\xa0"),
        CASE("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xb0",
             "\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xb0"),
        CASE("\xef\xbb\xbf\xef\xbf\xbd\xef\xbf\xbe\xef\xbf\xbf",
             "\\ufeff\xef\xbf\xbd\\ufffe\\uffff"),
        CASE("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"),
    };
    expect(JSON, cases, sizeof(cases) / sizeof(cases[0]));
}

Test(escape, xml_ends_no_text_and_no_attribute_and_keeps_blanks)
{
    static const struct escaped cases[] = {
        CASE("", ""),
        CASE("]]> <!-- & -->", "]]&#62; &#60;!-- &#38; --&#62;"),
        CASE("\"'", "&#34;&#39;"),
        CASE("\t\n\r", "&#9;&#10;&#13;"),
        CASE("\x7f\xc2\x85\xf4\x8f\xbf\xbf", "\x7f\xc2\x85\xf4\x8f\xbf\xbf"),
    };
    expect(XML, cases, sizeof(cases) / sizeof(cases[0]));
}

Test(escape, sh_is_one_word_whatever_it_holds)
{
    static const struct escaped cases[] = {
        CASE("", "''"),
        CASE("a b$c`d`\\\n\"", "'a b$c`d`\\\n\"'"),
        CASE("it's", "'it'\\''s'"),
        CASE("'", "''\\'''"),
        CASE("''", "''\\'''\\'''"),
        CASE("\xff", "'\xff'"),
    };
    expect(SH, cases, sizeof(cases) / sizeof(cases[0]));
}

Test(escape, properties_are_ascii_and_end_no_line)
{
    static const struct escaped keys[] = {
        CASE("", ""),
        CASE("db.host[0]", "db.host[0]"),
        CASE(" a b", "\\ a\\ b"),
        CASE("a:b=c#d!e\\f", "a\\:b\\=c\\#d\\!e\\\\f"),
        CASE("\t\n\r\f\0", "\\t\\n\\r\\u000c\\u0000"),
        CASE("\"\x7f\xc3\xa9", "\"\\u007f\\u00e9"),
    };
    static const struct escaped values[] = {
        CASE("", ""),
        CASE("  a b ", "\\ \\ a b "),
        CASE(" ", "\\ "),
        CASE("a:b=c#d!e\\f\"", "a:b=c#d!e\\\\f\""),
        CASE("\ta\n", "\\ta\\n"),
        CASE("\xef\xbf\xbf\xf0\x90\x80\x80\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf",
             "\\uffff\\ud800\\udc00\\ud83d\\ude00\\udbff\\udfff"),
    };
    expect(PROPERTY_KEY, keys, sizeof(keys) / sizeof(keys[0]));
    expect(PROPERTY_VALUE, values, sizeof(values) / sizeof(values[0]));
}

Test(escape, what_a_language_cannot_hold_is_told_with_its_place_and_never_shown)
{
    const struct {
        enum language language;
        const char *text;
        size_t size;
        const char *said[2];
    } wrong[] = {
        {JSON, "canary\xff", 7, {"UTF-8 at byte 6, which a JSON or YAML string", "base64"}},
        {JSON, "canary\xc3", 7, {"byte 6", "base64"}},              /* cut off */
        {JSON, "canary\xc0\x80", 8, {"byte 6", "base64"}},          /* overlong */
        {JSON, "canary\xed\xa0\x80", 9, {"byte 6", "base64"}},      /* a surrogate */
        {JSON, "canary\xf4\x90\x80\x80", 10, {"byte 6", "base64"}}, /* beyond Unicode */
        {XML, "canary\x80", 7, {"byte 6, which XML", "base64"}},
        {XML, "canary\0", 7, {"U+0000", "base64"}},
        {XML, "canary\x1f", 7, {"U+001F", "base64"}},
        {XML, "canary\xef\xbf\xbe", 9, {"U+FFFE", "base64"}},
        {SH, "canary\0", 7, {"NUL", "no shell"}},
        {PROPERTY_KEY, "canary\xff", 7, {"byte 6, which a properties file", "base64"}},
        {PROPERTY_VALUE, "canary\xff", 7, {"byte 6, which a properties file", "base64"}},
        {PROPERTY_VALUE, "  canary\xff", 9, {"byte 8", "base64"}}, /* blanks before it count */
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct error error = {.message = ""};
        SECRET_AUTO into = secret_new(LIMIT);
        cr_expect_not(
            escape(wrong[i].language, (struct str){wrong[i].text, wrong[i].size}, into, &error),
            "case %zu", i);
        cr_expect_eq(error.code, ERROR_CONTENT, "case %zu", i);
        cr_expect(strstr(error.message, wrong[i].said[0]) &&
                      strstr(error.message, wrong[i].said[1]),
                  "case %zu: %s", i, error.message);
        cr_expect_null(strstr(error.message, "canary"), "%s", error.message);
    }
}

Test(escape, a_full_secret_is_an_error_in_every_language)
{
    for (enum language language = JSON; language <= PROPERTY_VALUE; language++) {
        struct error error = {.message = ""};
        SECRET_AUTO into = secret_new(6);
        cr_expect_not(escape(language, str_from("  canary"), into, &error));
        cr_expect_eq(error.code, ERROR_CONTENT);
        cr_expect(strstr(error.message, "limit of 6 bytes"), "%s", error.message);
    }
}

/* A reader of what java.util.Properties says of a value. */
static void read_property(struct str text, struct secret *into)
{
    struct error error;
    for (size_t at = 0; at < text.size; at++) {
        char c = text.bytes[at];
        cr_assert(c != '\n' && c != '\r' && c >= 0x20 && c < 0x7f);
        cr_assert(at > 0 || c != ' ', "a reader would skip it");
        if (c == '\\') {
            c = text.bytes[++at];
            cr_assert(c != 'u', "none of those here");
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        }
        cr_assert(secret_append(into, (struct str){&c, 1}, &error));
    }
}

Test(escape, random_texts_come_back_from_readers_as_they_were)
{
    static const char alphabet[] = "\"\\ \n\r\t'u0n:=#!ab";
    unsigned seed = seed_of_run();
    for (int round = 0; round < 5000; round++) {
        char text[20];
        size_t size = (size_t)rand_r(&seed) % sizeof(text);
        struct error error;
        for (size_t i = 0; i < size; i++) {
            text[i] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
        }
        const struct str in = {text, size};
        SECRET_AUTO written = secret_new(LIMIT);
        SECRET_AUTO read = secret_new(LIMIT);
        SECRET_AUTO quoted = secret_new(LIMIT);
        cr_assert(escape_properties(in, false, written, &error));
        read_property(secret_str(written), read);
        cr_assert(str_equal(secret_str(read), in), "%s", secret_bytes(written));
        cr_assert(secret_append(quoted, str_from("{\"v\":\""), &error) &&
                  escape_json(in, quoted, &error) &&
                  secret_append(quoted, str_from("\"}"), &error));
        struct cJSON *json = NULL;
        cr_assert(json_parse(secret_str(quoted), &json, &error), "%s", error.message);
        cr_assert(str_equal(json_text(json, "v"), in), "%s", secret_bytes(quoted));
        json_free(json);
    }
}
