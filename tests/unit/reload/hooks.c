#include "reload/hooks.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/spawn.h"
#include "io/timer.h"
#include "reload/explain.h"
#include "reload/invocation.h"

/* What happened, in order: "exec 1 ok; done ok; ". */
static char story[4096];
static struct loop loop;
static struct hooks *hooks;
static char path[] = "/tmp/hooks-XXXXXX"; /* hooks write their lines here */
static char written[4096];

/* The stub of HTTP: answers on the next turn of the loop, with an error `http_failures` times. */
static struct timer http_timer;
static struct hooks_http_done http_done;
static int http_failures;
static bool http_refuses, http_hangs;

static void note(const char *text)
{
    size_t used = strlen(story);
    snprintf(story + used, sizeof(story) - used, "%s; ", text);
}

static void answer(void *context)
{
    struct error error;
    bool fails = http_failures > 0;
    (void)context;
    error_set(&error, ERROR_HOOK, "HTTP status 500");
    http_failures -= fails;
    http_done.call(http_done.context, fails ? &error : NULL);
}

static bool http(void *context, const struct hook *hook, struct hooks_http_done done,
                 struct error *err)
{
    (void)context;
    note(hook->url);
    if (http_refuses) {
        return error_set(err, ERROR_HOOK, "no");
    }
    http_done = done;
    if (!http_hangs) {
        timer_set(&http_timer, 0);
    } else {
        loop_stop(&loop);
    }
    return true;
}

static void http_cancel(void *context)
{
    (void)context;
    note("http cancelled");
}

/* Without a broker: a child of ours. */
static bool command(void *context, const struct hook *hook, const struct hooks_place *place,
                    int output, pid_t *ret_pid, struct error *err)
{
    struct invocation invocation;
    (void)context;
    if (!invocation_init(&invocation, hook, place->directory, place->generation, err)) {
        return false;
    }
    const struct spawn spawn = {.arguments = invocation.arguments,
                                .environment = invocation.environment,
                                .descriptors = {-1, output, output},
                                .is_bare = true,
                                .own_group = true};
    int number = spawn_start(&spawn, ret_pid);
    if (number != 0 && *ret_pid > 0) {
        cr_assert_eq(waitpid(*ret_pid, NULL, 0), *ret_pid);
    }
    bool ok = number == 0 || explain_start(invocation.arguments[0], number, err);
    invocation_done(&invocation);
    return ok;
}

static bool program_fails;

static bool program(void *context, const struct hook *hook, struct error *err)
{
    (void)context;
    note(hook->exe);
    return !program_fails || error_set(err, ERROR_HOOK, "no");
}

/* What `ran` does besides taking notes. */
static void (*then)(void);

static void ran(void *context, const struct hook *hook, unsigned tries, const struct error *error)
{
    char text[64];
    (void)context;
    snprintf(text, sizeof(text), "%s %u %s", hook_kind_name(hook->kind), tries,
             error ? "failed" : "ok");
    note(text);
    if (then) {
        void (*now)(void) = then;
        then = NULL;
        now();
    }
}

static void done(void *context, bool ok)
{
    (void)context;
    note(ok ? "done ok" : "done failed");
    loop_stop(&loop);
}

static void make(enum hooks_kind kind)
{
    struct error error;
    const struct hooks_owner owner = {http, http_cancel, command, program, ran, done, NULL};
    cr_assert(hooks_new(&loop, kind, &owner, &hooks, &error));
}

static void open_all(void)
{
    struct error error;
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert(loop_init(&loop, &clock_system, &error));
    cr_assert(timer_init(&http_timer, &loop, answer, NULL, &error));
}

static void close_all(void)
{
    hooks_free(hooks);
    timer_done(&http_timer);
    loop_done(&loop);
    unlink(path);
}

TestSuite(hooks, .init = open_all, .fini = close_all, .timeout = 60);

static void start(const struct hook *list, size_t count, const char *directory)
{
    struct error error;
    size_t before = strlen(story);
    cr_assert(hooks_start(hooks, list, count, directory, "7", &error));
    cr_expect_eq(strlen(story), before, "the owner is called later");
    cr_expect(hooks_busy(hooks));
}

static void run(void)
{
    struct error error;
    loop.stopped = false;
    cr_assert(loop_run(&loop, &error));
}

static const char *lines(void)
{
    FILE *file = fopen(path, "r");
    cr_assert(file);
    written[fread(written, 1, sizeof(written) - 1, file)] = '\0';
    fclose(file);
    return written;
}

/* Its arguments are $0, $1 …; `path` is $0. */
#define EXEC(script)                                                                               \
    {                                                                                              \
        .kind = HOOK_EXEC, .timeout_ms = 30000, .command = (char *[])                              \
        {                                                                                          \
            "/bin/sh", "-c", (script), path, "-{{ directory }}-", NULL                             \
        }                                                                                          \
    }
/* Without braces: versions of clang-format lay those out differently. */
#define HTTP(address) .kind = HOOK_HTTP, .timeout_ms = 30000, .url = (address), .method = "POST"

Test(hooks, run_one_after_the_other_and_know_their_generation)
{
    struct hook list[] = {
        EXEC("echo \"$1 $CONNECT_AGENT_DIRECTORY $CONNECT_AGENT_GENERATION\" >>$0"),
        {HTTP("http://x/")},
        EXEC("env | cut -d= -f1 | grep -v -e PWD -e SHLVL -e '^_$' | sort | tr '\\n' , >>$0"),
    };
    setenv("OP_CONNECT_TOKEN", "canary", 1);
    setenv("HOME", "/root", 1);
    make(HOOKS_ON_CHANGE);
    start(list, 3, "/run/g1");
    run();
    cr_expect_str_eq(story, "exec 1 ok; http://x/; http 1 ok; exec 1 ok; done ok; ");
    cr_expect_str_eq(lines(), "-/run/g1- /run/g1 7\n"
                              "CONNECT_AGENT_DIRECTORY,CONNECT_AGENT_GENERATION,HOME,PATH,");
    cr_expect_not(hooks_busy(hooks));
}

Test(hooks, an_empty_list_is_done)
{
    make(HOOKS_BEFORE_PUBLISH);
    start(NULL, 0, "/d");
    run();
    cr_expect_str_eq(story, "done ok; ");
}

Test(hooks, the_list_may_go_after_the_start)
{
    struct hook *list = calloc(1, sizeof(*list));
    *list = (struct hook)EXEC("echo $1 >>$0");
    make(HOOKS_ON_CHANGE);
    start(list, 1, "/d");
    memset(list, 0x55, sizeof(*list));
    free(list);
    run();
    cr_expect_str_eq(lines(), "-/d-\n");
}

Test(hooks, a_failure_before_publishing_ends_the_list_at_once)
{
    struct hook list[] = {EXEC("exit 1"), EXEC("echo no >>$0")};
    make(HOOKS_BEFORE_PUBLISH);
    start(list, 2, "/d");
    run();
    cr_expect_str_eq(story, "exec 1 failed; done failed; ");
    cr_expect_str_eq(lines(), "");
}

Test(hooks, a_failed_one_is_tried_again)
{
    struct hook list[] = {{HTTP("u")}, EXEC("true")};
    http_failures = 1;
    make(HOOKS_ON_CHANGE);
    start(list, 2, "/d");
    run();
    cr_expect_str_eq(story, "u; http 1 failed; u; http 2 ok; exec 1 ok; done ok; ");
}

Test(hooks, after_five_tries_it_is_passed_over)
{
    struct hook list[] = {{HTTP("u")}, EXEC("true")};
    uint64_t began = clock_now_ms(&clock_system);
    http_refuses = true;
    make(HOOKS_ON_CHANGE);
    start(list, 2, "/d");
    run();
    cr_expect_str_eq(story, "u; http 1 failed; u; http 2 failed; u; http 3 failed; "
                            "u; http 4 failed; u; http 5 failed; exec 1 ok; done failed; ");
    cr_expect_geq(clock_now_ms(&clock_system) - began, 15000); /* 1 + 2 + 4 + 8 s */
}

Test(hooks, a_signal_without_its_process_fails)
{
    struct hook list[] = {{.kind = HOOK_SIGNAL, .signal = SIGHUP, .process = "no-such-process"}};
    make(HOOKS_BEFORE_PUBLISH);
    start(list, 1, "/d");
    run();
    cr_expect_str_eq(story, "signal 1 failed; done failed; ");
}

Test(hooks, a_signal_arrives)
{
    char name[16], byte;
    int fds[2], status;
    cr_assert_eq(pipe(fds), 0);
    snprintf(name, sizeof(name), "hk-%d", (int)getpid());
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_NAME, name);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)!write(fds[1], "x", 1);
        for (;;) {
            pause();
        }
    }
    cr_assert_eq(read(fds[0], &byte, 1), 1);
    struct hook list[] = {{.kind = HOOK_SIGNAL, .signal = SIGUSR2, .process = name}};
    make(HOOKS_ON_CHANGE);
    start(list, 1, "/d");
    run();
    cr_expect_str_eq(story, "signal 1 ok; done ok; ");
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR2);
}

static struct hook again[] = {EXEC("echo again $1 >>$0")};

Test(hooks, a_start_while_one_runs_replaces_what_was_to_come)
{
    struct hook list[] = {{HTTP("u")}, EXEC("echo no >>$0")};
    struct error error;
    http_hangs = true;
    make(HOOKS_ON_CHANGE);
    start(list, 2, "/d");
    run();
    start(list, 2, "/e");
    start(again, 1, "/f");
    http_done.call(http_done.context, error_set(&error, ERROR_HOOK, "x") ? NULL : &error);
    run();
    cr_expect_str_eq(story, "u; http 1 failed; exec 1 ok; done ok; ");
    cr_expect_str_eq(lines(), "again -/f-\n");
}

static void start_again(void)
{
    start(again, 1, "/g");
}

static void cancel_and_start(void)
{
    hooks_cancel(hooks);
    start(again, 1, "/h");
}

static void cancel_and_stop(void)
{
    hooks_cancel(hooks);
    loop_stop(&loop);
}

Test(hooks, the_owner_may_start_and_cancel_when_one_ran)
{
    struct hook list[] = {EXEC("exit 1"), EXEC("echo no >>$0")};
    make(HOOKS_ON_CHANGE);
    then = start_again;
    start(list, 2, "/d");
    run();
    then = cancel_and_start;
    start(list, 2, "/d");
    run();
    then = cancel_and_stop;
    start(list, 2, "/d");
    run();
    cr_expect_str_eq(story, "exec 1 failed; exec 1 ok; done ok; exec 1 failed; exec 1 ok; done ok; "
                            "exec 1 failed; ");
    cr_expect_str_eq(lines(), "again -/g-\nagain -/h-\n");
    cr_expect_not(hooks_busy(hooks));
}

static void stop(void)
{
    loop_stop(&loop);
}

Test(hooks, a_start_between_two_tries_begins_at_once)
{
    struct hook list[] = {EXEC("exit 1")};
    make(HOOKS_ON_CHANGE);
    then = stop;
    start(list, 1, "/d");
    run();
    uint64_t began = clock_now_ms(&clock_system);
    start(again, 1, "/e");
    run();
    cr_expect_str_eq(story, "exec 1 failed; exec 1 ok; done ok; ");
    cr_expect_lt(clock_now_ms(&clock_system) - began, 60000);
}

Test(hooks, cancelling_ends_what_runs_and_what_waits)
{
    struct hook list[] = {{HTTP("u")}};
    make(HOOKS_ON_CHANGE);
    http_hangs = true;
    start(list, 1, "/d");
    run();
    start(again, 1, "/e");
    hooks_cancel(hooks);
    cr_expect_not(hooks_busy(hooks));
    cr_expect_str_eq(story, "u; http cancelled; ");
    hooks_cancel(hooks);
    hooks_free(NULL);
    start(again, 1, "/f"); /* and all of it works afterwards */
    run();
    cr_expect_str_eq(lines(), "again -/f-\n");
}

static int ready_fd;

static void on_ready(void *context, uint32_t events)
{
    (void)context;
    (void)events;
    loop_stop(&loop);
}

Test(hooks, cancelling_kills_a_command)
{
    int fds[2];
    char script[128], byte;
    struct error error;
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    ready_fd = fds[0];
    snprintf(script, sizeof(script), "echo x >/proc/%d/fd/%d; sleep 1000", (int)getpid(), fds[1]);
    struct hook list[] = {EXEC(script)};
    struct loop_source source = {ready_fd, on_ready, NULL};
    cr_assert(loop_add(&loop, &source, EPOLLIN, &error));
    make(HOOKS_ON_CHANGE);
    start(list, 1, "/d");
    run();
    loop_remove(&loop, &source);
    cr_assert_eq(read(ready_fd, &byte, 1), 1);
    hooks_cancel(hooks);
    cr_expect_str_eq(story, "");
    cr_expect(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}
