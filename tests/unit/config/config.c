#include "config/config.h"

#include <criterion/criterion.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "example.h"

TestSuite(config, .init = enter_folder, .fini = leave_folder);

/* --- the sample of design.md, without the keys of later versions --- */

static const char sample[] =
    "version: 1\n"
    "\n"
    "connect:\n"
    "  host: http://onepassword-connect:8080      # or OP_CONNECT_HOST\n"
    "  tokenFile: /var/run/secrets/connect/token  # or OP_CONNECT_TOKEN_FILE\n"
    "  caFile: /etc/connect/ca.pem\n"
    "  requestTimeout: 15s\n"
    "\n"
    "refresh:\n"
    "  interval: 60s\n"
    "  maxStale: 24h\n"
    "\n"
    "listen: 127.0.0.1:9180\n"
    "\n"
    "outputs:\n"
    "  - directory: /run/secrets/app     # published as one set\n"
    "    layout: plain\n"
    "    owner: 1000:1001\n"
    "    mode: 0440\n"
    "    directoryMode: 0750\n"
    "    allowDisk: true\n"
    "    files:\n"
    "      - path: app.env\n"
    "        dialect: compose\n"
    "        env:\n"
    "          DB_URL: \"postgres://{{ op://prod/db/username }}:{{ op://prod/db/password }}@db\"\n"
    "          API_KEY: op://prod/stripe/credential\n"
    "          OPTIONAL: { value: op://prod/feature/flag, optional: true }\n"
    "          DEFAULT: { value: op://prod/feature/level, default: 3 }\n"
    "          PORT: 5432\n"
    "          ON: yes\n"
    "          EMPTY: \"\"\n"
    "      - path: tls/server.key\n"
    "        content: op://prod/tls/private key\n"
    "        mode: 0400\n"
    "        owner: 7\n"
    "      - path: nginx.conf\n"
    "        templateFile: nginx.conf.tpl\n"
    "      - path: a.conf\n"
    "        template: |\n"
    "          x op://prod/db/username\n"
    "        optional: true\n"
    "      - path: keystore.p12\n"
    "        content: op://prod/app/keystore.p12     # an attachment, byte for byte\n"
    "        default: none\n"
    "  - directory: //run//secrets/other/\n"
    "    files:\n"
    "      - { path: x, content: y }\n";

static void expect_text(const struct template *template, const struct text *text,
                        const char *expected)
{
    char got[512] = "";
    for (size_t i = 0; i < text->count; i++) {
        const struct text_part *part = &text->parts[i];
        size_t used = strlen(got);
        if (part->kind == TEXT_LITERAL) {
            snprintf(got + used, sizeof(got) - used, "%.*s", (int)part->literal.size,
                     part->literal.bytes);
        } else {
            snprintf(got + used, sizeof(got) - used, "<%s>",
                     template->references.list[part->reference]->text);
        }
    }
    cr_expect_str_eq(got, expected);
}

static void expect_settings(const struct settings *settings)
{
    cr_expect_str_eq(settings->host, "http://onepassword-connect:8080");
    cr_expect_str_eq(settings->token_file, "/var/run/secrets/connect/token");
    cr_expect_str_eq(settings->ca_file, "/etc/connect/ca.pem");
    cr_expect_null(settings->client_cert_file);
    cr_expect_null(settings->client_key_file);
    cr_expect_eq(settings->request_timeout_ms, 15000);
    cr_expect_eq(settings->interval_ms, 60000);
    cr_expect_eq(settings->max_stale_ms, 86400000);
    cr_expect_str_eq(settings->listen, "127.0.0.1:9180");
}

static void expect_env(const struct template *template, const struct file *file)
{
    static const struct {
        const char *name, *text;
        bool optional, has_fallback;
    } expected[] = {
        {"DB_URL", "postgres://<op://prod/db/username>:<op://prod/db/password>@db", false, false},
        {"API_KEY", "<op://prod/stripe/credential>", false, false},
        {"OPTIONAL", "<op://prod/feature/flag>", true, false},
        {"DEFAULT", "<op://prod/feature/level>", false, true},
        {"PORT", "5432", false, false},
        {"ON", "yes", false, false},
        {"EMPTY", "", false, false},
    };
    cr_assert_eq(file->variables_count, sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < file->variables_count; i++) {
        const struct variable *variable = &file->variables[i];
        cr_expect_str_eq(variable->name, expected[i].name);
        cr_expect_eq(variable->place.line, 26 + i);
        cr_expect_eq(variable->place.column, 11);
        cr_expect_eq(variable->value.optional, expected[i].optional);
        cr_expect_eq(variable->value.has_fallback, expected[i].has_fallback);
        expect_text(template, &variable->value.text, expected[i].text);
    }
    expect_text(template, &file->variables[3].value.fallback, "3");
}

static void expect_files(const struct template *template, const struct output *output)
{
    static const struct {
        const char *path;
        enum file_kind kind;
        mode_t mode;
        uid_t uid;
        gid_t gid;
        const char *text;
    } expected[] = {
        {"app.env", FILE_ENV, 0440, 1000, 1001, ""},
        {"tls/server.key", FILE_CONTENT, 0400, 7, (gid_t)OWNER_UNSET,
         "<op://prod/tls/private key>"},
        {"nginx.conf", FILE_TEMPLATE, 0440, 1000, 1001, "ssl <op://prod/tls/cert>;\n"},
        {"a.conf", FILE_TEMPLATE, 0440, 1000, 1001, "x <op://prod/db/username>\n"},
        {"keystore.p12", FILE_CONTENT, 0440, 1000, 1001, "<op://prod/app/keystore.p12>"},
    };
    cr_assert_eq(output->files_count, sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < output->files_count; i++) {
        const struct file *file = &output->files[i];
        cr_expect_str_eq(file->path, expected[i].path);
        cr_expect_eq(file->kind, expected[i].kind);
        cr_expect_eq(file->mode, expected[i].mode);
        cr_expect_eq(file->uid, expected[i].uid);
        cr_expect_eq(file->gid, expected[i].gid);
        expect_text(template, &file->value.text, expected[i].text);
    }
    cr_expect_eq(output->files[0].dialect, DIALECT_COMPOSE);
    cr_expect_str_eq(output->files[2].template_file, "nginx.conf.tpl");
    cr_expect(output->files[3].value.optional);
    cr_expect(output->files[4].value.has_fallback);
    expect_text(template, &output->files[4].value.fallback, "none");
}

static void expect_reference(const struct template *template, size_t index, const char *text,
                             const char *file, unsigned line, unsigned column)
{
    const struct reference *reference = template->references.list[index];
    cr_expect_str_eq(reference->text, text);
    cr_expect(strcmp(reference->place.file, file) == 0 && reference->place.line == line &&
                  reference->place.column == column,
              "%s: %s:%u:%u", text, reference->place.file, reference->place.line,
              reference->place.column);
}

Test(config, decodes_the_sample)
{
    write_file("nginx.conf.tpl", str_from("ssl {{ op://prod/tls/cert }};\n"));
    struct template *template = load_good(sample);
    cr_expect_str_eq(template->path, "t.yaml");
    expect_settings(&template->settings);
    cr_assert_eq(template->outputs_count, 2);
    const struct output *output = &template->outputs[0];
    cr_expect_str_eq(output->directory, "/run/secrets/app");
    cr_expect_eq(output->layout, LAYOUT_PLAIN);
    cr_expect_eq(output->directory_mode, 0750);
    cr_expect_eq(output->uid, 1000);
    cr_expect_eq(output->gid, 1001);
    cr_expect(output->allow_disk);
    expect_files(template, output);
    expect_env(template, &output->files[0]);
    template_free(template);
}

Test(config, has_defaults_for_outputs)
{
    write_file("nginx.conf.tpl", str_from(""));
    struct template *template = load_good(sample);
    const struct output *output = &template->outputs[1];
    cr_expect_str_eq(output->directory, "/run/secrets/other");
    cr_expect_eq(output->layout, LAYOUT_ATOMIC);
    cr_expect_eq(output->directory_mode, 0750);
    cr_expect_eq(output->uid, (uid_t)OWNER_UNSET);
    cr_expect_not(output->allow_disk);
    cr_expect_eq(output->files[0].mode, 0400);
    cr_expect_eq(output->files[0].uid, (uid_t)OWNER_UNSET);
    template_free(template);
}

Test(config, remembers_where_references_were_met)
{
    write_file("nginx.conf.tpl", str_from("#\n  é {{ op://prod/tls/cert }};\n"));
    struct template *template = load_good(sample);
    cr_assert_eq(template->references.count, 8);
    expect_reference(template, 0, "op://prod/db/username", "t.yaml", 26, 34);
    expect_reference(template, 1, "op://prod/db/password", "t.yaml", 26, 62);
    expect_reference(template, 2, "op://prod/stripe/credential", "t.yaml", 27, 20);
    expect_reference(template, 3, "op://prod/feature/flag", "t.yaml", 28, 30);
    expect_reference(template, 5, "op://prod/tls/private key", "t.yaml", 34, 18);
    expect_reference(template, 6, "op://prod/tls/cert", "nginx.conf.tpl", 2, 8);
    expect_reference(template, 7, "op://prod/app/keystore.p12", "t.yaml", 44, 18);
    template_free(template);
}

Test(config, looks_for_template_files_beside_the_template)
{
    struct findings findings;
    struct template *template = NULL;
    cr_assert_eq(mkdir("sub", 0700), 0);
    write_file("sub/x.tpl", str_from("x"));
    write_file("sub/t.yaml", str_from("version: 1\noutputs:\n  - directory: /r\n    files:\n"
                                      "      - {path: x, templateFile: x.tpl}\n"));
    findings_init(&findings);
    cr_assert(
        config_load("sub/t.yaml", &(struct overrides){.environment = NULL}, &findings, &template));
    cr_expect_eq(template->template_files_count, 1);
    cr_expect_str_eq(template->template_files[0], "sub/x.tpl");
    template_free(template);
}

/* --- mistakes --- */

#define GOOD_OUTPUT "outputs: [{directory: /r, files: [{path: x, content: y}]}]\n"

Test(config, refuses_what_the_top_cannot_hold)
{
    static const struct example examples[] = {
        {"", "t.yaml: the template is empty; it begins with \"version: 1\""},
        {"[a]\n", "t.yaml:1:1: expected the template, found a list"},
        {GOOD_OUTPUT, "t.yaml:1:1: the template needs the key \"version\""},
        {"version: 1\n", "t.yaml:1:1: the template needs one of outputs, exec"},
        {"version: 2\n" GOOD_OUTPUT,
         "t.yaml:1:10: template version \"2\" is not known; write version: 1"},
        {"version:\n" GOOD_OUTPUT, "t.yaml:1:9: expected the version 1, found nothing"},
        {"version: 1\noutput: 1\n" GOOD_OUTPUT,
         "t.yaml:2:1: unknown key \"output\" in the template; did you mean \"outputs\"?"},
        {"version: 1\nfoo: 1\n" GOOD_OUTPUT,
         "t.yaml:2:1: unknown key \"foo\" in the template; known: version, connect, refresh, "
         "listen, outputs, exec"},
        {"version: 1\n<<: {a: b}\n" GOOD_OUTPUT,
         "t.yaml:2:1: unknown key \"<<\" in the template; known: version, connect, refresh, "
         "listen, outputs, exec"},
        {"version: 1\n\"op://a/b/c\": 1\n" GOOD_OUTPUT,
         "t.yaml:2:1: a reference cannot stand in a key, only in a value"},
        {"version: 1\nversion: 1\n" GOOD_OUTPUT,
         "t.yaml:2:1: duplicate key \"version\"; the first is on line 1"},
        {"version: 1\noutputs: []\n",
         "t.yaml:2:10: expected a list of outputs, found an empty one"},
        {"version: 1\noutputs: {}\n", "t.yaml:2:10: expected a list of outputs, found a mapping"},
        {"version: 1\noutputs: [x]\n", "t.yaml:2:11: expected an output, found text"},
        {"version: 1\noutputs: *x\n",
         "t.yaml:2:10: aliases are not supported; put a string that begins with * in quotes"},
    };
    EXPECT_EACH(examples, "");
}

Test(config, refuses_wrong_settings)
{
    static const struct example examples[] = {
        {"connect: x\n", "t.yaml:3:10: expected the block connect, found text"},
        {"connect: {hots: http://h}\n",
         "t.yaml:3:11: unknown key \"hots\" in the block connect; did you mean \"host\"?"},
        {"connect: {host: 'h:8080'}\n", "t.yaml:3:17: expected a URL; did you mean http://h:8080?"},
        {"connect: {host: [a]}\n",
         "t.yaml:3:17: expected a URL such as http://onepassword-connect:8080, found a list"},
        {"connect: {tokenFile: }\n", "t.yaml:3:22: expected the path of a file, found nothing"},
        {"connect: {requestTimeout: [60s]}\n",
         "t.yaml:3:27: expected a duration such as 60s, found a list"},
        {"connect: {requestTimeout: 15}\n",
         "t.yaml:3:27: \"15\" is not a duration such as 500ms, 60s or 24h"},
        {"refresh: {interval: 1ms}\n", "t.yaml:3:21: the duration must be from 1s to 86400s"},
        {"refresh: {host: x}\n",
         "t.yaml:3:11: unknown key \"host\" in the block refresh; known: interval, maxStale"},
        {"listen: localhost\n",
         "t.yaml:3:9: expected a numeric address and a port such as 127.0.0.1:9180, or off; found "
         "\"localhost\""},
    };
    EXPECT_EACH(examples, "version: 1\n" GOOD_OUTPUT);
}

Test(config, says_why_the_template_cannot_be_read)
{
    expect_bad("none.yaml",
               "none.yaml: no template there; give one with -c FILE or CONNECT_AGENT_TEMPLATE");
    expect_bad("t.yaml/x.yaml",
               "t.yaml/x.yaml: no template there; give one with -c FILE or CONNECT_AGENT_TEMPLATE");
    expect_bad(".", ".: Is a directory, where a file has to be (Docker makes one of a file that is "
                    "mounted and not there)");
    cr_assert_eq(mkfifo("fifo", 0600), 0);
    expect_bad("fifo", "fifo: not a regular file");
    write_file("large", str_from(""));
    cr_assert_eq(truncate("large", LIMIT_TEMPLATE_FILE + 1), 0);
    expect_bad("large", "large: larger than the limit of 1048576 bytes");
}

Test(config, tells_all_mistakes_in_one_run_and_in_order)
{
    expect_findings(
        "version: 2\n"
        "conect: {}\n"
        "refresh:\n"
        "  interval: often\n"
        "  interval: 2\n"
        "outputs:\n"
        "  - directory: run\n"
        "    mode: &m 0777\n"
        "    files:\n"
        "      - path: /a\n"
        "        dialect: sh\n"
        "        env:\n"
        "          A: *m\n"
        "          B: op://x\n"
        "          C: !x y\n"
        "      - path: b\n"
        "        content: \"{{ nonsense }}\"\n",
        "t.yaml:1:10: template version \"2\" is not known; write version: 1\n"
        "t.yaml:2:1: unknown key \"conect\" in the template; did you mean \"connect\"?\n"
        "t.yaml:4:13: \"often\" is not a duration such as 500ms, 60s or 24h\n"
        "t.yaml:5:3: duplicate key \"interval\"; the first is on line 4\n"
        "t.yaml:7:16: the directory must be an absolute path such as "
        "/run/secrets/app\n"
        "t.yaml:8:11: anchors are not supported; write the value where it is needed\n"
        "t.yaml:8:11: mode 0777 lets others write; take away the last 2\n"
        "t.yaml:10:15: the path must be relative: it is below the output's "
        "directory\n"
        "t.yaml:13:14: aliases are not supported; put a string that begins with * in "
        "quotes\n"
        "t.yaml:14:20: the reference names only a vault; it is "
        "op://vault/item/[section/]field\n"
        "t.yaml:15:14: tags are not supported; put a string that begins with ! in "
        "quotes\n"
        "t.yaml:17:19: {{ nonsense }} is neither a reference, {{ "
        "op://vault/item/field }}, nor a literal, {{ \"text\" }}; a literal {{ is "
        "written {{ \"{{\" }}");
}

Test(config, reports_no_more_than_the_limit)
{
    struct findings findings;
    struct template *template = NULL;
    char source[8192] = "version: 1\n" GOOD_OUTPUT;
    for (int i = 0; i < LIMIT_FINDINGS + 10; i++) {
        size_t used = strlen(source);
        snprintf(source + used, sizeof(source) - used, "unknown%d: 1\n", i);
    }
    write_file("t.yaml", str_from(source));
    findings_init(&findings);
    cr_expect_not(
        config_load("t.yaml", &(struct overrides){.environment = NULL}, &findings, &template));
    cr_expect_eq(findings.count, LIMIT_FINDINGS);
    cr_expect_eq(findings.dropped, 10);
    findings_done(&findings);
    template_free(template);
}

Test(config, reads_thousands_of_files)
{
    struct buf source;
    struct error error;
    buf_init(&source, LIMIT_TEMPLATE_FILE);
    cr_assert(buf_append(&source, str_from(FILES), &error));
    for (int i = 0; i < 20000; i++) {
        cr_assert(buf_format(&source, &error, "      - {path: f%d, content: y}\n", i));
    }
    struct template *template = load_good(source.bytes);
    cr_expect_eq(template->outputs[0].files_count, 20000);
    template_free(template);
    buf_done(&source);
}
