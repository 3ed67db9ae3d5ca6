#include "reload/exec.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/spawn.h"
#include "io/timer.h"
#include "reload/explain.h"

static struct loop loop;
static struct exec_result got;
static char output[2 * EXEC_OUTPUT + 1];
static int calls;

static void open_loop(void)
{
    struct error error;
    cr_assert(loop_init(&loop, &clock_system, &error));
}

static void close_loop(void)
{
    loop_done(&loop);
}

TestSuite(exec, .init = open_loop, .fini = close_loop, .timeout = 30);

static void on_done(void *context, const struct exec_result *result)
{
    (void)context;
    calls++;
    got = *result;
    snprintf(output, sizeof(output), "%s", result->output);
    got.output = output;
    loop_stop(&loop);
}

/* As the broker does it for a hook. */
static bool start(void *context, int out, pid_t *ret_pid, struct error *err)
{
    static char *environment[] = {"A=b", NULL};
    char *const *command = context;
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const struct spawn spawn = {.arguments = command,
                                .environment = environment,
                                .descriptors = {nothing, out, out},
                                .is_bare = true,
                                .own_group = true};
    int number = spawn_start(&spawn, ret_pid);
    close(nothing);
    if (number != 0 && *ret_pid > 0) {
        cr_assert_eq(waitpid(*ret_pid, NULL, 0), *ret_pid);
    }
    return number == 0 || explain_start(command[0], number, err);
}

static void run(char *command[], uint64_t timeout_ms, uint64_t grace_ms)
{
    struct error error;
    struct exec_run *ignored;
    const struct exec_request request = {command, start, timeout_ms, grace_ms};
    loop.stopped = false;
    calls = 0;
    bool ok = exec_start(&loop, &request, (struct exec_done){on_done, NULL}, &ignored, &error);
    cr_assert(ok, "%s", error.message);
    cr_expect_eq(calls, 0);
    cr_assert(loop_run(&loop, &error));
    cr_expect_eq(calls, 1);
}

#define SH(script) ((char *[]){"/bin/sh", "-c", (script), NULL})
#define MINUTE 60000

static void expect_message(const char *expected)
{
    struct error error;
    cr_expect_not(exec_explain(&got, "/bin/x", &error));
    cr_expect_str_eq(error.message, expected);
    cr_expect_eq(error.code, ERROR_HOOK);
}

Test(exec, exit_0_is_success)
{
    struct error error;
    run(SH("exit 0"), MINUTE, MINUTE);
    cr_expect(got.end == EXEC_EXITED && got.number == 0 && !got.is_cut);
    cr_expect_str_eq(got.output, "");
    cr_expect(exec_explain(&got, "/bin/x", &error));
}

Test(exec, a_failure_says_status_and_output)
{
    run(SH("echo one; echo two >&2; exit 3"), MINUTE, MINUTE);
    cr_expect(got.end == EXEC_EXITED && got.number == 3);
    expect_message("/bin/x: exit status 3: one; two");
}

Test(exec, a_death_says_its_signal)
{
    run(SH("kill -USR1 $$"), MINUTE, MINUTE);
    cr_expect(got.end == EXEC_SIGNALLED && got.number == SIGUSR1);
    expect_message("/bin/x: killed by signal 10 (USR1)");
}

Test(exec, output_is_printable_and_cut)
{
    run(SH("printf 'a\\tb\\033[31m\\n\\377'"), MINUTE, MINUTE);
    cr_expect_str_eq(got.output, "a b?[31m; ?");
    cr_expect_not(got.is_cut);
    run(SH("head -c 300000 /dev/zero | tr '\\0' x"), MINUTE, MINUTE);
    cr_expect_eq(strlen(got.output), EXEC_OUTPUT);
    cr_expect(got.is_cut && got.end == EXEC_EXITED && got.number == 0);
}

Test(exec, the_environment_is_what_was_given)
{
    cr_assert_eq(setenv("OP_CONNECT_TOKEN", "canary", 1), 0);
    run((char *[]){"/usr/bin/env", NULL}, MINUTE, MINUTE);
    cr_expect_str_eq(got.output, "A=b");
}

Test(exec, no_other_descriptor_is_passed_on)
{
    int fds[2];
    cr_assert(pipe(fds) == 0 && dup2(fds[0], 200) == 200); /* not close-on-exec */
    /* The last one is the listing's own. */
    run((char *[]){"/bin/ls", "/proc/self/fd", NULL}, MINUTE, MINUTE);
    cr_expect_str_eq(got.output, "0; 1; 2; 3");
    run(SH("readlink /proc/self/fd/0; cat"), MINUTE, MINUTE);
    cr_expect_str_eq(got.output, "/dev/null");
}

Test(exec, signals_are_as_at_birth)
{
    sigset_t all;
    sigfillset(&all);
    cr_assert_eq(sigprocmask(SIG_BLOCK, &all, NULL), 0);
    cr_assert_neq(signal(SIGPIPE, SIG_IGN), SIG_ERR);
    run((char *[]){"/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status", NULL}, MINUTE, MINUTE);
    const char *blocked = strstr(got.output, "SigBlk:");
    const char *ignored = strstr(got.output, "SigIgn:");
    cr_assert(blocked && ignored, "%s", got.output);
    cr_expect_eq(strtoull(blocked + strlen("SigBlk:"), NULL, 16), 0);
    /* 32 and 33 are glibc's own */
    cr_expect_eq(strtoull(ignored + strlen("SigIgn:"), NULL, 16) & ~0x180000000ULL, 0);
}

Test(exec, it_leads_a_group_of_its_own)
{
    char expected[64], group[32];
    run(SH("cut -d' ' -f5 /proc/$$/stat; echo $$"), MINUTE, MINUTE);
    cr_assert_eq(sscanf(got.output, "%31[0-9]; %63[0-9]", group, expected), 2, "%s", got.output);
    cr_expect_str_eq(group, expected);
}

Test(exec, a_timeout_ends_it_with_sigterm)
{
    run(SH("trap 'echo ending; exit 9' TERM; sleep 1000 & wait"), 1000, MINUTE);
    cr_expect_eq(got.end, EXEC_TIMED_OUT);
    expect_message("/bin/x: stopped, because it took longer than its timeout: ending");
}

/* The pipe of the whole group is at its end only when all of it is dead. */
Test(exec, one_that_ignores_sigterm_is_killed_with_its_group)
{
    int fds[2];
    char byte, script[128];
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    snprintf(script, sizeof(script), "trap '' TERM; exec 9>/proc/%d/fd/%d; sleep 1000 & wait",
             (int)getpid(), fds[1]);
    run(SH(script), 1000, 100); /* it needs some time to ignore it */
    cr_expect_eq(got.end, EXEC_TIMED_OUT);
    close(fds[1]);
    cr_expect_eq(read(fds[0], &byte, 1), 0);
}

Test(exec, a_daemon_left_behind_does_not_hold_it_up)
{
    run(SH("sleep 1000 & echo $!"), MINUTE, MINUTE);
    cr_expect(got.end == EXEC_EXITED && got.number == 0);
    pid_t pid = (pid_t)strtol(got.output, NULL, 10);
    cr_assert_gt(pid, 1);
    cr_expect_eq(kill(pid, SIGKILL), 0);
}

static void expect_no_start(const char *program, int number, const char *advice)
{
    struct error error;
    struct exec_run *ignored;
    char *command[] = {(char *)program, NULL};
    const struct exec_request request = {command, start, MINUTE, MINUTE};
    cr_expect_not(exec_start(&loop, &request, (struct exec_done){on_done, NULL}, &ignored, &error));
    cr_expect_eq(error.number, number);
    cr_expect(strstr(error.message, advice), "%s", error.message);
}

Test(exec, what_cannot_start_is_explained)
{
    char path[] = "/tmp/exec-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, "x\n", 2) == 2);
    expect_no_start("/no/such/program", ENOENT, "in connect-agent's own container");
    expect_no_start(path, EACCES, "executable by connect-agent's uid");
    cr_assert_eq(fchmod(fd, 0700), 0);
    close(fd);
    expect_no_start(path, ENOEXEC, "without its first line #!");
    unlink(path);
}

Test(exec, a_cancelled_run_is_dead_and_silent)
{
    int fds[2];
    char byte, script[128];
    struct error error;
    struct exec_run *run;
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    snprintf(script, sizeof(script), "exec 9>/proc/%d/fd/%d; echo x >&9; sleep 1000", (int)getpid(),
             fds[1]);
    const struct exec_request request = {SH(script), start, MINUTE, MINUTE};
    cr_assert(exec_start(&loop, &request, (struct exec_done){on_done, NULL}, &run, &error));
    cr_assert_eq(read(fds[0], &byte, 1), 1);
    exec_cancel(run);
    cr_expect_eq(calls, 0);
    cr_expect(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    close(fds[1]);
    ssize_t first = read(fds[0], &byte, 1);
    ssize_t second = read(fds[0], &byte, 1);
    cr_expect(first == 1 && second == 0);
    exec_cancel(NULL);
}

static void close_it(void *context)
{
    close(*(int *)context);
}

/* It has to live until it is watched: until the loop runs, which closes what it reads. */
Test(exec, one_reaped_by_somebody_else_is_told)
{
    int fds[2];
    char script[64];
    struct timer release;
    struct error error;
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    snprintf(script, sizeof(script), "exec cat </proc/%d/fd/%d", (int)getpid(), fds[0]);
    cr_assert(timer_init(&release, &loop, close_it, &fds[1], &error));
    timer_set(&release, 0);
    cr_assert_neq(signal(SIGCHLD, SIG_IGN), SIG_ERR); /* the kernel reaps */
    run(SH(script), MINUTE, MINUTE);
    timer_done(&release);
    cr_expect_eq(got.end, EXEC_LOST);
    expect_message("/bin/x: ended, and nobody knows how");
}
