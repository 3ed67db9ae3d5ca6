#include "config/hook.h"

#include <criterion/criterion.h>
#include <signal.h>

#include "example.h"

TestSuite(hook, .init = enter_folder, .fini = leave_folder);

#define OUTPUT "version: 1\noutputs:\n  - directory: /r\n    files: [{path: x, content: y}]\n"
#define CHANGE OUTPUT "    onChange:\n"
#define SECRET                                                                                     \
    "secrets never go into arguments, where every process can read them: publish a file, and "     \
    "name it as {{ directory }}/NAME"
#define NO_SECRET "a reference cannot stand here: no secret goes into a hook"

Test(hook, reads_every_kind_with_its_defaults)
{
    struct template *template = load_good(
        OUTPUT "    beforePublish:\n"
               "      - exec: {command: [/usr/sbin/nginx, -t, -c, '{{directory}}/n.conf', 5, ''],"
               " timeout: 10s}\n"
               "    onChange:\n"
               "      - signal: {process: nginx}\n"
               "      - signal: {exe: /usr/sbin/nginx, signal: SIGUSR1}\n"
               "      - signal: {pidFile: /run/n.pid, signal: 34}\n"
               "      - http: {url: 'http://127.0.0.1:9090/-/reload?a=b@c'}\n"
               "      - http: {url: https://x, method: GET, timeout: 100ms}\n"
               "      - exec: {command: [/bin/reload]}\n");
    const struct output *output = &template->outputs[0];
    const struct hook *check = &output->before_publish[0];
    const struct hook *change = output->on_change;
    cr_assert(output->before_publish_count == 1 && output->on_change_count == 6);
    cr_expect(check->kind == HOOK_EXEC && check->timeout_ms == 10000);
    cr_expect_str_eq(check->command[3], "{{ directory }}/n.conf");
    cr_expect_str_eq(check->command[4], "5");
    cr_expect(check->command[5][0] == '\0' && !check->command[6]);
    cr_expect(change[0].kind == HOOK_SIGNAL && change[0].signal == SIGHUP);
    cr_expect(change[0].place.line == 8 && change[0].place.column == 9);
    cr_expect_str_eq(change[0].process, "nginx");
    cr_expect(change[1].signal == SIGUSR1 && strcmp(change[1].exe, "/usr/sbin/nginx") == 0);
    cr_expect(change[2].signal == 34 && strcmp(change[2].pid_file, "/run/n.pid") == 0);
    cr_expect(change[3].kind == HOOK_HTTP && change[3].timeout_ms == 10000);
    cr_expect_str_eq(change[3].url, "http://127.0.0.1:9090/-/reload?a=b@c");
    cr_expect_str_eq(change[3].method, "POST");
    cr_expect(change[4].timeout_ms == 100 && strcmp(change[4].method, "GET") == 0);
    cr_expect(change[5].kind == HOOK_EXEC && change[5].timeout_ms == 30000);
    template_free(template);
}

Test(hook, a_copy_holds_all_of_it)
{
    struct template *template =
        load_good(CHANGE "      - http: {url: http://x, method: PUT}\n"
                         "      - exec: {command: [/bin/a, b], timeout: 1s}\n");
    struct hook *copy;
    struct error error;
    cr_assert(hook_list_copy(template->outputs[0].on_change, 2, &copy, &error));
    template_free(template);
    cr_expect_str_eq(copy[0].url, "http://x");
    cr_expect_str_eq(copy[0].method, "PUT");
    cr_expect(copy[1].timeout_ms == 1000 && copy[1].place.line == 7 && !copy[1].place.file);
    cr_expect(strcmp(copy[1].command[1], "b") == 0 && !copy[1].command[2]);
    hook_list_free(copy, 2);
}

Test(hook, refuses_wrong_lists)
{
    static const struct example examples[] = {
        {"    onChange: []\n", "t.yaml:5:15: expected a list of hooks, found an empty one"},
        {"    onChange: {}\n", "t.yaml:5:15: expected a list of hooks, found a mapping"},
        {"    onChange: [restart]\n", "t.yaml:5:16: expected a hook, found text"},
        {"    onChange: [{}]\n", "t.yaml:5:16: a hook needs one of signal, http, exec"},
        {"    onChange: [{exec: {command: [/a]}, signal: {process: x}}]\n",
         "t.yaml:5:17: \"signal\" and \"exec\" exclude each other: a hook does one thing; write "
         "two "
         "hooks"},
        {"    onChange: [{signl: {process: x}}]\n",
         "t.yaml:5:16: a hook needs one of signal, http, exec\n"
         "t.yaml:5:17: unknown key \"signl\" in a hook; did you mean \"signal\"?"},
        {"    beforePublish: [{signal: {process: x}}]\n",
         "t.yaml:5:21: a hook before publishing needs the key \"exec\"\n"
         "t.yaml:5:22: unknown key \"signal\" in a hook before publishing; known: exec"},
    };
    EXPECT_EACH(examples, OUTPUT);
}

Test(hook, refuses_wrong_signals)
{
    static const struct example examples[] = {
        {"      - signal: {}\n", "t.yaml:6:17: a signal hook needs one of process, exe, pidFile"},
        {"      - signal: {process: a, exe: /a}\n",
         "t.yaml:6:30: \"process\" and \"exe\" exclude each other: a process is found in one way"},
        {"      - signal: {process: /usr/sbin/nginx}\n",
         "t.yaml:6:27: \"/usr/sbin/nginx\" is a path, and \"process\" takes the name of a process; "
         "did you mean exe: or pidFile:?"},
        {"      - signal: {process: ''}\n",
         "t.yaml:6:27: expected the name of a process, found nothing"},
        {"      - signal: {process: '{{ op://a/b/c }}'}\n", "t.yaml:6:28: " NO_SECRET},
        {"      - signal: {exe: nginx}\n",
         "t.yaml:6:23: expected the absolute path of a program such as /usr/sbin/nginx, found "
         "\"nginx\""},
        {"      - signal: {pidFile: run/x.pid}\n",
         "t.yaml:6:27: expected the absolute path of a file such as /run/nginx.pid, found "
         "\"run/x.pid\""},
        {"      - signal: {process: x, signal: HUPP}\n",
         "t.yaml:6:38: no signal \"HUPP\"; did you mean \"HUP\"?"},
        {"      - signal: {process: x, signal: sighup}\n",
         "t.yaml:6:38: no signal \"sighup\"; did you mean \"HUP\"?"},
        {"      - signal: {process: x, signal: RELOADING}\n",
         "t.yaml:6:38: no signal \"RELOADING\"; write its name, such as HUP, USR1 or TERM, or a "
         "number from 1 to 64"},
        {"      - signal: {process: x, signal: 0}\n",
         "t.yaml:6:38: no signal \"0\"; write its name, such as HUP, USR1 or TERM, or a number "
         "from 1 to 64"},
        {"      - signal: {process: x, signal: 65}\n",
         "t.yaml:6:38: no signal \"65\"; write its name, such as HUP, USR1 or TERM, or a number "
         "from 1 to 64"},
        {"      - signal: {process: x, signal: KILL}\n",
         "t.yaml:6:38: KILL cannot be caught: it would end the program, not make it read its files "
         "again; most take HUP"},
        {"      - signal: {process: x, signal: 19}\n",
         "t.yaml:6:38: STOP cannot be caught: it would halt the program, not make it read its "
         "files again; most take HUP"},
    };
    EXPECT_EACH(examples, CHANGE);
}

Test(hook, refuses_wrong_requests_and_shows_no_password)
{
    static const struct example examples[] = {
        {"      - http: {method: GET}\n", "t.yaml:6:15: an http hook needs the key \"url\""},
        {"      - http: {url: ''}\n", "t.yaml:6:21: expected a URL, found nothing"},
        {"      - http: {url: '127.0.0.1:9090/reload'}\n",
         "t.yaml:6:21: expected a URL; did you mean http://127.0.0.1:9090?"},
        {"      - http: {url: 'ftp://x/y'}\n",
         "t.yaml:6:21: expected http:// or https://, found \"ftp://x\""},
        {"      - http: {url: 'http://u:canary@x/y'}\n",
         "t.yaml:6:21: no user and password in the URL: no secret goes into a hook"},
        {"      - http: {url: 'u:canary@x/y'}\n",
         "t.yaml:6:21: no user and password in the URL: no secret goes into a hook"},
        {"      - http: {url: 'http://x/y#z'}\n",
         "t.yaml:6:21: a character after the host that a URL cannot hold, or a fragment; write it "
         "percent-encoded"},
        {"      - http: {url: 'http://x/?t={{ op://a/b/c }}'}\n", "t.yaml:6:34: " NO_SECRET},
        {"      - http: {url: http://x, method: POSTS}\n",
         "t.yaml:6:39: no method \"POSTS\"; did you mean \"POST\"?"},
        {"      - http: {url: http://x, method: DELETE}\n",
         "t.yaml:6:39: no method \"DELETE\"; known: POST, GET, PUT"},
        {"      - http: {url: http://x, timeout: 10}\n",
         "t.yaml:6:40: \"10\" is not a duration such as 500ms, 30s or 2m"},
        {"      - http: {url: http://x, timeout: 99ms}\n",
         "t.yaml:6:40: \"99ms\": the duration must be from 100ms to 1h"},
        {"      - http: {url: http://x, timeout: 61m}\n",
         "t.yaml:6:40: \"61m\": the duration must be from 100ms to 1h"},
    };
    EXPECT_EACH(examples, CHANGE);
}

Test(hook, refuses_wrong_commands_and_secrets_in_them)
{
    static const struct example examples[] = {
        {"      - exec: {}\n", "t.yaml:6:15: an exec hook needs the key \"command\""},
        {"      - exec: {command: /bin/a}\n",
         "t.yaml:6:25: expected a list of arguments such as [/bin/reload, --now], found text"},
        {"      - exec: {command: []}\n",
         "t.yaml:6:25: expected a list of arguments such as [/bin/reload, --now], found an empty "
         "one"},
        {"      - exec: {command: [nginx, -t]}\n",
         "t.yaml:6:26: the program must be an absolute path such as /bin/reload, found \"nginx\"; "
         "it runs in connect-agent's own container, without a shell"},
        {"      - exec: {command: [/a, [b], c]}\n",
         "t.yaml:6:30: expected an argument, found a list"},
        {"      - exec: {command: [/a, -p, op://a/b/c]}\n", "t.yaml:6:34: " SECRET},
        {"      - exec: {command: [/a, 'x {{ op://a/b/c }}']}\n", "t.yaml:6:33: " SECRET},
        {"      - exec: {command: [/a, 'x {{ dir }}']}\n",
         "t.yaml:6:33: only {{ directory }} can stand in an argument: the directory of the "
         "generation"},
        {"      - exec: {command: [/a, '{{ directory']}\n",
         "t.yaml:6:31: this {{ is not closed by }}; known is {{ directory }}"},
    };
    EXPECT_EACH(examples, CHANGE);
}
