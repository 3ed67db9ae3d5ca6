#include "render/env.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "seed.h"

static struct secret *make(const char *bytes, size_t size)
{
    struct error error;
    struct secret *secret = secret_new(1 << 20);
    cr_assert(secret && secret_append(secret, (struct str){bytes, size}, &error));
    return secret;
}

/* Renders one variable; the text is shown in `out`, or the message. */
static bool render(enum dialect dialect, const char *bytes, size_t size, char *out, size_t room)
{
    struct error error;
    SECRET_AUTO value = make(bytes, size);
    SECRET_AUTO text = secret_new(1 << 20);
    const struct env_entry entry = {"K", value};
    size_t wrong;
    bool ok = env_render(dialect, &entry, 1, text, &wrong, &error);
    snprintf(out, room, "%s", ok ? secret_bytes(text) : error.message);
    cr_expect(ok || error.code == ERROR_CONTENT);
    return ok;
}

Test(env, is_written_as_the_reader_reads_it)
{
    const struct {
        enum dialect dialect;
        const char *value, *text;
    } cases[] = {
        {DIALECT_SH, "a'b$c\\", "K='a'\\''b$c\\'\n"},
        {DIALECT_SH, "", "K=''\n"},
        {DIALECT_COMPOSE, "a'b$c\\\"`\n", "K=\"a'b\\$c\\\\\\\"`\n\"\n"},
        {DIALECT_DOCKER, " \"a\" # b ", "K= \"a\" # b \n"},
        {DIALECT_SYSTEMD, "a`b$c\\\"'", "K=\"a\\`b\\$c\\\\\\\"'\"\n"},
        {DIALECT_KUBERNETES, "a\n\"$b", "K='a\n\"$b'\n"},
        {DIALECT_PORTABLE, "plain $x `y` \\z", "K='plain $x `y` \\z'\n"},
        {DIALECT_PORTABLE, "it's $x", "K=\"it's \\$x\"\n"},
        {DIALECT_PORTABLE, "ends\\", "K=\"ends\\\\\"\n"},
    };
    char out[256];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect(
            render(cases[i].dialect, cases[i].value, strlen(cases[i].value), out, sizeof(out)),
            "case %zu: %s", i, out);
        cr_expect_str_eq(out, cases[i].text, "case %zu: %s", i, out);
    }
}

Test(env, refuses_what_the_reader_would_misread)
{
    const struct {
        enum dialect dialect;
        const char *value;
        size_t size;
        const char *said;
    } cases[] = {
        {DIALECT_SH, "a\0b", 3, "NUL at byte 1"},
        {DIALECT_COMPOSE, "\0", 1, "NUL"},
        {DIALECT_DOCKER, "a\nb", 3, "line feed at byte 1"},
        {DIALECT_DOCKER, "a\r", 2, "carriage return"},
        {DIALECT_DOCKER, "\xff", 1, "UTF-8"},
        {DIALECT_SYSTEMD, "\xff", 1, "UTF-8"},
        {DIALECT_KUBERNETES, "it's", 4, "single quote at byte 2"},
        {DIALECT_KUBERNETES, "a\r\nb", 4, "CR LF at byte 1"},
        {DIALECT_PORTABLE, "it's `x`", 8, "backtick"},
        {DIALECT_PORTABLE, "`x\\", 3, "backtick"},
        {DIALECT_PORTABLE, "\xff", 1, "UTF-8"},
    };
    char out[1024];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_not(render(cases[i].dialect, cases[i].value, cases[i].size, out, sizeof(out)),
                      "case %zu", i);
        cr_expect(strstr(out, cases[i].said) && strstr(out, "variable K"), "case %zu: %s", i, out);
    }
}

Test(env, sizes_are_limited_where_the_reader_limits_them)
{
    static char big[70000];
    char out[1024];
    memset(big, 'x', sizeof(big));
    cr_expect(render(DIALECT_KUBERNETES, big, 32 << 10, out, sizeof(out)));
    cr_expect_not(render(DIALECT_KUBERNETES, big, (32 << 10) + 1, out, sizeof(out)));
    cr_expect(render(DIALECT_DOCKER, big, (64 << 10) - 4, out, sizeof(out)));
    cr_expect_not(render(DIALECT_DOCKER, big, (64 << 10) - 3, out, sizeof(out)));
    cr_expect(render(DIALECT_SH, big, sizeof(big), out, sizeof(out)));
}

Test(env, a_name_is_there_once_and_is_a_name)
{
    struct error error;
    SECRET_AUTO value = make("v", 1);
    SECRET_AUTO text = secret_new(100);
    const struct env_entry twice[] = {{"A", value}, {"B", value}, {"A", value}};
    const struct env_entry wrong = {"A-B", value};
    size_t index;
    cr_expect_not(env_render(DIALECT_SH, twice, 3, text, &index, &error));
    cr_expect(strstr(error.message, "variable A is there twice"));
    cr_expect_not(env_render(DIALECT_SH, &wrong, 1, text, &index, &error));
}

static bool ignore(void *context, struct str name, const struct secret *value, struct error *err)
{
    (void)context;
    (void)name;
    (void)value;
    (void)err;
    return true;
}

Test(env, readers_refuse_what_would_be_expanded_or_run)
{
    const struct {
        enum dialect dialect;
        const char *text;
    } cases[] = {{DIALECT_SH, "K=$x\n"},        {DIALECT_SH, "K=\"`id`\"\n"},
                 {DIALECT_SH, "K=a;id\n"},      {DIALECT_SH, "K='open\n"},
                 {DIALECT_SH, "id\n"},          {DIALECT_COMPOSE, "K=\"$x\"\n"},
                 {DIALECT_COMPOSE, "K='open"},  {DIALECT_SYSTEMD, "K=\"open"},
                 {DIALECT_KUBERNETES, "K=a\n"}, {DIALECT_KUBERNETES, "K= 'a'\n"}};
    const struct env_reader reader = {ignore, NULL};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error error;
        cr_expect_not(env_read(cases[i].dialect, str_from(cases[i].text), &reader, &error), "%s",
                      cases[i].text);
    }
}

/* Every value is refused with a reason or proven: "would be read differently" is a bug of a writer.
 */
Test(env, random_values_are_carried_exactly_or_refused)
{
    static const char alphabet[] = "'\"\\$`{}()#=:;!~*? \t\n\rabncx0\xc3\xa9\xff";
    unsigned seed = seed_of_run();
    char value[24];
    char out[1024];
    size_t carried = 0;
    for (int round = 0; round < 60000; round++) {
        size_t size = (size_t)rand_r(&seed) % sizeof(value);
        for (size_t i = 0; i < size; i++) {
            value[i] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
        }
        bool ok = render((enum dialect)(round % DIALECTS), value, size, out, sizeof(out));
        carried += ok;
        cr_assert(ok || !strstr(out, "not published"), "%s: %s", dialect_name(round % DIALECTS),
                  out);
    }
    cr_expect_gt(carried, 20000);
}
