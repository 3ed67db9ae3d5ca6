#include "config/settings.h"

#include <criterion/criterion.h>
#include <string.h>

struct variable {
    const char *name;
    const char *value;
};

static const struct variable *variables; /* of the test that runs: each has its own process */

static const char *look_up(const char *name)
{
    for (const struct variable *v = variables; v && v->name; v++) {
        if (strcmp(v->name, name) == 0) {
            return v->value;
        }
    }
    return NULL;
}

Test(settings, table_is_complete)
{
    for (int i = 0; i < SETTINGS; i++) {
        const struct setting_info *info = settings_describe((enum setting)i);
        cr_expect(info->block && info->key && info->env && info->help);
        cr_expect(strncmp(info->flag, "--", 2) == 0);
        for (int j = 0; j < i; j++) {
            const struct setting_info *other = settings_describe((enum setting)j);
            cr_expect_str_neq(info->env, other->env);
            cr_expect_str_neq(info->flag, other->flag);
            cr_expect_neq(info->offset, other->offset);
        }
    }
}

Test(settings, has_defaults)
{
    struct settings settings;
    struct findings findings;
    struct error error;
    findings_init(&findings);
    settings_init(&settings);
    cr_assert(settings_override(&settings, &(struct overrides){.environment = look_up}, &findings));
    cr_expect_null(settings.host);
    cr_expect_str_eq(settings.listen, "127.0.0.1:9180");
    cr_expect_str_eq(settings.token_file, "/var/run/secrets/connect/token");
    cr_expect_eq(settings.request_timeout_ms, 15000);
    cr_expect_eq(settings.interval_ms, 60000);
    cr_expect_eq(settings.max_stale_ms, 0);
    cr_expect_not(settings_require_host(&settings, &error));
    cr_expect_eq(error.code, ERROR_USAGE);
    cr_expect_str_eq(error.message, "no Connect host: set connect.host in the template, "
                                    "OP_CONNECT_HOST or --connect-host");
    settings_done(&settings);
}

Test(settings, flag_wins_over_environment_over_file)
{
    static const struct variable given[] = {{"OP_CONNECT_HOST", "http://environment"},
                                            {"CONNECT_AGENT_INTERVAL", "2m"},
                                            {"CONNECT_AGENT_MAX_STALE", ""},
                                            {NULL, NULL}};
    struct overrides overrides = {.flags = {[SETTING_HOST] = "http://flag"},
                                  .environment = look_up};
    struct settings settings;
    struct findings findings;
    struct error error;
    variables = given;
    findings_init(&findings);
    settings_init(&settings);
    cr_assert(settings_set(&settings, SETTING_HOST, str_from("http://file"), &error));
    cr_assert(settings_set(&settings, SETTING_INTERVAL, str_from("90s"), &error));
    cr_assert(settings_set(&settings, SETTING_MAX_STALE, str_from("1h"), &error));
    cr_assert(settings_override(&settings, &overrides, &findings));
    cr_expect_str_eq(settings.host, "http://flag");
    cr_expect_eq(settings.interval_ms, 120000);
    cr_expect_eq(settings.max_stale_ms, 3600000);
    cr_expect(settings_require_host(&settings, &error));
    settings_done(&settings);
}

Test(settings, token_variable_is_the_last_resort)
{
    static const struct variable given[] = {{"OP_CONNECT_TOKEN", "t"}, {NULL, NULL}};
    static const struct variable both[] = {
        {"OP_CONNECT_TOKEN", "t"}, {"OP_CONNECT_TOKEN_FILE", "/f"}, {NULL, NULL}};
    struct overrides overrides = {.environment = look_up};
    struct settings settings;
    struct findings findings;
    findings_init(&findings);
    settings_init(&settings);
    variables = given;
    cr_assert(settings_override(&settings, &overrides, &findings));
    cr_expect_null(settings.token_file);
    variables = both;
    cr_assert(settings_override(&settings, &overrides, &findings));
    cr_expect_str_eq(settings.token_file, "/f");
    settings_done(&settings);
}

Test(settings, names_the_origin_of_every_mistake)
{
    static const struct variable given[] = {{"OP_CONNECT_HOST", "https://me:hunter2@host"},
                                            {"CONNECT_AGENT_INTERVAL", "60"},
                                            {"CONNECT_AGENT_LISTEN", "nonsense"},
                                            {NULL, NULL}};
    static const char *const expected[] = {
        "environment variable OP_CONNECT_HOST: no user and password in the URL: the token is the "
        "only credential",
        "option --request-timeout: the duration must be from 1s to 600s",
        "environment variable CONNECT_AGENT_INTERVAL: \"60\" is not a duration such as 500ms, 60s "
        "or 24h",
    };
    struct overrides overrides = {
        .flags = {[SETTING_REQUEST_TIMEOUT] = "11m", [SETTING_LISTEN] = ""},
        .environment = look_up};
    struct settings settings;
    struct findings findings;
    variables = given;
    findings_init(&findings);
    settings_init(&settings);
    cr_expect_not(settings_override(&settings, &overrides, &findings));
    cr_assert(findings.list && findings.count == 3);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_str_eq(findings.list[i].error.message, expected[i]);
        cr_expect_eq(findings.list[i].error.code, ERROR_USAGE);
        cr_expect_null(findings.list[i].place.file);
    }
    cr_expect_str_empty(settings.listen);
    findings_done(&findings);
    settings_done(&settings);
}

struct example {
    enum setting setting;
    const char *text;
    const char *expected; /* the value, or the message */
};

#define HOST "expected a host after :// , such as http://onepassword-connect:8080"
#define PORT "expected a port from 1 to 65535 after the host"
#define PASSWORD "no user and password in the URL: the token is the only credential"
#define PREFIX "the URL ends with its path: no query, fragment or character that a path cannot hold"

Test(settings, normalises_texts)
{
    static const struct example examples[] = {
        {SETTING_HOST, "http://onepassword-connect:8080", "http://onepassword-connect:8080"},
        {SETTING_HOST, "https://connect.example.com/", "https://connect.example.com"},
        {SETTING_HOST, "https://a/b/c//", "https://a/b/c"},
        {SETTING_HOST, "http://127.0.0.1:1", "http://127.0.0.1:1"},
        {SETTING_HOST, "http://[::1]:8080/p", "http://[::1]:8080/p"},
        {SETTING_HOST, "http://[fe80::1]", "http://[fe80::1]"},
        {SETTING_LISTEN, "127.0.0.1:9180", "127.0.0.1:9180"},
        {SETTING_LISTEN, "[::]:1", "[::]:1"},
        {SETTING_TOKEN_FILE, "run/token", "run/token"},
        {SETTING_CA_FILE, "/etc/eyJ.pem", "/etc/eyJ.pem"},
    };
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        const struct example *example = &examples[i];
        struct settings settings;
        struct error error;
        settings_init(&settings);
        cr_assert(settings_set(&settings, example->setting, str_from(example->text), &error),
                  "%s: %s", example->text, error.message);
        char **stored =
            (char **)(void *)((char *)&settings + settings_describe(example->setting)->offset);
        cr_expect_str_eq(*stored, example->expected);
        settings_done(&settings);
    }
}

Test(settings, refuses_texts)
{
    static const struct example examples[] = {
        {SETTING_HOST, "", "expected a URL, found nothing"},
        {SETTING_HOST, "host:8080", "expected a URL; did you mean http://host:8080?"},
        {SETTING_HOST, "ftp://host", "expected http:// or https://, found \"ftp://host\""},
        {SETTING_HOST, "http://", HOST},
        {SETTING_HOST, "http:///x", HOST},
        {SETTING_HOST, "http://:80", HOST},
        {SETTING_HOST, "http://a b", HOST},
        {SETTING_HOST, "http://[::1", HOST},
        {SETTING_HOST, "http://[::g]", HOST},
        {SETTING_HOST, "http://[::1]x", HOST},
        {SETTING_HOST, "http://h?a", HOST},
        {SETTING_HOST, "http://h:", PORT},
        {SETTING_HOST, "http://h:0", PORT},
        {SETTING_HOST, "http://h:65536", PORT},
        {SETTING_HOST, "http://h:80:80", PORT},
        {SETTING_HOST, "http://h/?a=b", PREFIX},
        {SETTING_HOST, "http://h/#f", PREFIX},
        {SETTING_HOST, "http://h/a b", PREFIX},
        {SETTING_HOST, "http://h/\n", PREFIX},
        {SETTING_HOST, "http://user:secret@host", PASSWORD},
        {SETTING_HOST, "user:secret@host", PASSWORD},
        {SETTING_HOST, "http://user:s/cret@host", PASSWORD},
        {SETTING_TOKEN_FILE, "", "the path is empty"},
        {SETTING_TOKEN_FILE, "eyJhbGciOiJFUzI1NiJ9.e30.c2ln",
         "that is a token, and this is for the path of a file that holds it"},
        {SETTING_TOKEN_FILE, "ops_abc",
         "that is a token, and this is for the path of a file that holds it"},
        {SETTING_REQUEST_TIMEOUT, "999ms", "the duration must be from 1s to 600s"},
        {SETTING_REQUEST_TIMEOUT, "601s", "the duration must be from 1s to 600s"},
        {SETTING_REQUEST_TIMEOUT, "0", "the duration must be from 1s to 600s"},
        {SETTING_INTERVAL, "999ms", "the duration must be from 1s to 86400s"},
        {SETTING_INTERVAL, "often", "\"often\" is not a duration such as 500ms, 60s or 24h"},
        {SETTING_LISTEN, "9180",
         "expected a numeric address and a port such as 127.0.0.1:9180, or off; found \"9180\""},
        {SETTING_LISTEN, ":9180",
         "expected a numeric address and a port such as 127.0.0.1:9180, or off; found \":9180\""},
        {SETTING_LISTEN, "localhost:9180",
         "expected a numeric address and a port such as 127.0.0.1:9180, or off; found "
         "\"localhost:9180\""},
        {SETTING_LISTEN, "127.0.0.1:0",
         "expected a numeric address and a port such as 127.0.0.1:9180, or off; found "
         "\"127.0.0.1:0\""},
        {SETTING_LISTEN, "127.0.0.1",
         "expected a numeric address and a port such as 127.0.0.1:9180, or off; found "
         "\"127.0.0.1\""},
    };
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        const struct example *example = &examples[i];
        struct settings settings;
        struct error error;
        settings_init(&settings);
        cr_assert_not(settings_set(&settings, example->setting, str_from(example->text), &error),
                      "%s", example->text);
        cr_expect_str_eq(error.message, example->expected, "%s: %s", example->text, error.message);
        settings_done(&settings);
    }
}

Test(settings, never_shows_a_password)
{
    static const char *const texts[] = {"http://u:hunter2@h",     "u:hunter2@h",
                                        "https://hunter2@h/x",    "ftp://u:hunter2@h",
                                        "http://u:hun/hunter2@h", "http://h/@hunter2?"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct settings settings;
        struct error error;
        settings_init(&settings);
        cr_assert_not(settings_set(&settings, SETTING_HOST, str_from(texts[i]), &error));
        cr_expect_null(strstr(error.message, "hunter2"), "%s", error.message);
    }
}
