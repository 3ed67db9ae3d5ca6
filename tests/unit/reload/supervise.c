#include "reload/supervise.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/signals.h"
#include "io/spawn.h"

enum { GRACE_MS = 60000 };

/* What happened, in order: "started; ended 3; ". */
static char story[4096];
static struct loop loop;
static struct signals signals;
static struct supervise *supervise;
static struct error error;

/* What is started, one after the other; the last one again and again. What it prints comes here. */
static const char *scripts[4];
static unsigned starts;
static int start_fails; /* an errno */
static enum error_code fails_as = ERROR_HOOK;
static int printed[2];
static bool stop_at_retry, settled;
static pid_t group; /* of what runs */

/* --- time: what is waited for is over at once, and the clock has moved on --- */

static uint64_t now_ms = 1000;
static bool hurries;

static uint64_t monotonic_ms(const struct clock *clock)
{
    (void)clock;
    return now_ms;
}

static const struct clock clock_of_test = {.monotonic_ms = monotonic_ms};

static void note(const char *what, uint64_t number)
{
    size_t used = strlen(story);
    snprintf(story + used, sizeof(story) - used, "%s %u; ", what, (unsigned)number);
}

/* In the place of the C library's. */
int timerfd_settime(int ufd, int flags, const struct itimerspec *utmr, struct itimerspec *otmr)
{
    struct itimerspec now = *utmr;
    uint64_t ms = (uint64_t)utmr->it_value.tv_sec * 1000;
    if (hurries && ms >= 1000) {
        note("wait", ms);
        now_ms += ms;
        now.it_value = (struct timespec){.tv_nsec = 1};
    }
    return (int)syscall(SYS_timerfd_settime, ufd, flags, &now, otmr);
}

/* --- the owner --- */

static bool start(void *context, pid_t *ret_pid, struct error *err)
{
    (void)context;
    const char *script = scripts[starts];
    starts += scripts[starts + 1] != NULL;
    if (start_fails != 0) {
        return error_set_errno(err, fails_as, start_fails, "no");
    }
    const struct spawn spawn = {.arguments = (char *const[]){"/bin/sh", "-c", (char *)script, NULL},
                                .environment = (char *const[]){"PATH=/usr/bin:/bin", NULL},
                                .descriptors = {-1, printed[1], -1},
                                .is_bare = true,
                                .own_group = true};
    return spawn_start(&spawn, ret_pid) == 0;
}

/* A shell's child that has not begun yet may miss a signal, and would hold our output. */
static void end_group(void)
{
    if (group > 0) {
        (void)kill(-group, SIGKILL);
    }
}

static void started(void *context, pid_t pid)
{
    (void)context;
    end_group();
    group = pid;
    note("started", pid > 0);
}

static void retrying(void *context, int exit_status, uint64_t delay_ms)
{
    (void)context;
    note("died", (uint64_t)exit_status);
    note("again after", delay_ms);
    if (stop_at_retry) {
        settled = true;
        loop_stop(&loop);
    }
}

static void ended(void *context, int exit_status, const struct error *failure)
{
    (void)context;
    note(failure ? "not started" : "ended", (uint64_t)exit_status);
    settled = true;
    loop_stop(&loop);
}

/* --- life --- */

static void on_signal(void *context, int signal, bool from_terminal)
{
    (void)context;
    (void)signal;
    (void)from_terminal;
    supervise_reap(supervise);
}

static void open_all(void)
{
    const struct supervise_owner owner = {NULL, start, started, retrying, ended};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    cr_assert_eq(pipe2(printed, O_CLOEXEC), 0);
    cr_assert(loop_init(&loop, &clock_of_test, &error));
    cr_assert(signals_init(&signals, &loop, &set, on_signal, NULL, &error));
    cr_assert(supervise_new(&loop, false, &owner, &supervise, &error));
    supervise_set_grace(supervise, GRACE_MS);
}

static void close_all(void)
{
    end_group();
    supervise_free(supervise);
    signals_done(&signals);
    loop_done(&loop);
}

TestSuite(supervise, .init = open_all, .fini = close_all, .timeout = 60);

static void turn(void)
{
    loop.stopped = false;
    cr_assert(loop_run(&loop, &error), "%s", error.message);
}

/* Until it is over, or waits for its next try; which may have come while a letter was awaited. */
static void run(void)
{
    while (!settled) {
        turn();
    }
    settled = false;
}

static void on_print(void *context, uint32_t events)
{
    (void)context;
    (void)events;
    loop_stop(&loop);
}

/* Until a command prints this letter. */
static void await(char letter)
{
    struct loop_source source = {printed[0], on_print, NULL};
    char got;
    cr_assert(loop_add(&loop, &source, EPOLLIN, &error));
    turn();
    loop_remove(&loop, &source);
    cr_assert_eq(read(printed[0], &got, 1), 1);
    cr_assert_eq(got, letter, "%c", got);
}

#define SLEEPS "printf r; exec sleep 60"
#define IS_DEAF "trap '' TERM; printf r; exec sleep 60"
/* A trap is run at once only while it waits. */
#define HEARS                                                                                      \
    "trap 'printf t; exit 4' TERM; trap 'printf u; exit 4' USR1; sleep 60 & printf r; wait"

static void begin(const char *first, const char *second, const char *third)
{
    scripts[0] = first;
    scripts[1] = second;
    scripts[2] = third;
    supervise_start(supervise);
}

/* --- restarts --- */

Test(supervise, a_restart_asks_it_to_end_and_starts_it_again)
{
    begin(HEARS, "exit 0", NULL);
    await('r');
    supervise_restart(supervise);
    await('t');
    run();
    cr_expect_str_eq(story, "started 1; started 1; ended 0; ");
}

Test(supervise, what_does_not_end_within_its_grace_is_killed_and_started_again)
{
    begin(IS_DEAF, "exit 0", NULL);
    await('r');
    hurries = true;
    supervise_restart(supervise);
    run();
    cr_expect_str_eq(story, "started 1; wait 60000; started 1; ended 0; ");
}

Test(supervise, restarts_meanwhile_are_one)
{
    begin(HEARS, HEARS, "exit 9");
    await('r');
    for (int i = 0; i < 3; i++) {
        supervise_restart(supervise);
    }
    await('t');
    await('r');
    supervise_signal(supervise, SIGUSR1, false);
    stop_at_retry = true;
    await('u');
    run(); /* it ends by itself, and has not been asked to */
    cr_expect_str_eq(story, "started 1; started 1; died 4; again after 1000; ");
    supervise_signal(supervise, SIGTERM, false);
}

Test(supervise, one_that_is_stopped_is_restarted_too)
{
    begin("printf r; kill -STOP $$; exit 8", "exit 0", NULL);
    await('r');
    supervise_restart(supervise);
    run();
    cr_expect_str_eq(story, "started 1; started 1; ended 0; ");
}

/* --- dying young --- */

Test(supervise, what_dies_young_after_a_restart_is_started_again_less_and_less_often)
{
    begin(SLEEPS, "exit 3", NULL);
    await('r');
    supervise_restart(supervise);
    hurries = true;
    run();
    cr_expect_str_eq(story, "started 1; started 1; "
                            "wait 1000; died 3; again after 1000; started 1; "
                            "wait 2000; died 3; again after 2000; started 1; "
                            "wait 4000; died 3; again after 4000; started 1; "
                            "wait 8000; died 3; again after 8000; started 1; "
                            "wait 16000; died 3; again after 16000; started 1; "
                            "ended 3; ");
}

Test(supervise, what_dies_without_a_restart_is_over)
{
    begin("exit 3", NULL, NULL);
    run();
    cr_expect_str_eq(story, "started 1; ended 3; ");
}

static void die_at_the_age_of(uint64_t ms)
{
    begin(SLEEPS, HEARS, NULL);
    await('r');
    supervise_restart(supervise);
    await('r');
    now_ms += ms;
    stop_at_retry = true;
    supervise_signal(supervise, SIGUSR1, false);
    await('u');
    run();
}

Test(supervise, what_has_lived_long_enough_is_over)
{
    die_at_the_age_of(SUPERVISE_YOUNG_MS);
    cr_expect_str_eq(story, "started 1; started 1; ended 4; ");
}

Test(supervise, what_has_not_lived_long_enough_is_started_again)
{
    die_at_the_age_of(SUPERVISE_YOUNG_MS - 1);
    cr_expect_str_eq(story, "started 1; started 1; died 4; again after 1000; ");
    supervise_signal(supervise, SIGUSR1, false);
    cr_expect_str_eq(story, "started 1; started 1; died 4; again after 1000; ", "nobody hears it");
    supervise_signal(supervise, SIGTERM, false);
    cr_expect_str_eq(story, "started 1; started 1; died 4; again after 1000; ended 143; ");
}

Test(supervise, a_restart_does_not_wait_for_the_next_try)
{
    die_at_the_age_of(0);
    scripts[1] = "exit 0";
    supervise_restart(supervise);
    run();
    cr_expect_str_eq(story, "started 1; started 1; died 4; again after 1000; started 1; ended 0; ");
}

/* --- signals --- */

Test(supervise, a_signal_reaches_the_whole_group)
{
    begin("trap 'printf u' USR1; "
          "(trap 'printf u; exit' USR1; sleep 60 & printf r; wait); exit 5",
          NULL, NULL);
    await('r');
    supervise_signal(supervise, SIGUSR1, true);
    await('u');
    await('u');
    run();
    cr_expect_str_eq(story, "started 1; ended 5; ");
}

Test(supervise, SIGTERM_is_the_wish_that_it_ends)
{
    begin(HEARS, "exit 9", NULL);
    await('r');
    supervise_signal(supervise, SIGTERM, false);
    await('t');
    run();
    cr_expect_str_eq(story, "started 1; ended 4; ");
}

Test(supervise, after_SIGTERM_the_grace_runs_once_and_then_it_is_killed)
{
    begin(IS_DEAF, "exit 9", NULL);
    await('r');
    hurries = true;
    supervise_signal(supervise, SIGTERM, false);
    supervise_signal(supervise, SIGTERM, false);
    supervise_restart(supervise);
    run();
    cr_expect_str_eq(story, "started 1; wait 60000; ended 137; ");
}

Test(supervise, a_wish_to_end_is_stronger_than_a_restart)
{
    begin(SLEEPS, "exit 9", NULL);
    await('r');
    supervise_restart(supervise);
    supervise_signal(supervise, SIGTERM, false);
    run();
    cr_expect_str_eq(story, "started 1; ended 143; ");
}

Test(supervise, who_interrupts_a_restart_wants_no_new_start)
{
    begin("trap '' TERM; printf r; exec sleep 60", "exit 9", NULL);
    await('r');
    supervise_restart(supervise);
    supervise_signal(supervise, SIGINT, false);
    run();
    cr_expect_str_eq(story, "started 1; ended 130; ");
}

/* --- its end --- */

Test(supervise, a_death_by_a_signal_is_128_and_its_number)
{
    begin("kill -USR2 $$", NULL, NULL);
    run();
    cr_expect_str_eq(story, "started 1; ended 140; ");
}

static void expect_not_started(enum error_code code, int number, const char *expected)
{
    fails_as = code;
    start_fails = number;
    story[0] = '\0';
    supervise_start(supervise);
    cr_expect_str_eq(story, expected);
}

Test(supervise, what_cannot_be_started_ends_as_a_shell_says_it)
{
    expect_not_started(ERROR_HOOK, ENOENT, "not started 127; ");
    expect_not_started(ERROR_HOOK, EACCES, "not started 126; ");
    expect_not_started(ERROR_HOOK, ENOEXEC, "not started 126; ");
    expect_not_started(ERROR_SYSTEM, ENOENT, "not started 70; ");
}

Test(supervise, a_restart_that_cannot_be_started_is_over)
{
    begin(SLEEPS, NULL, NULL);
    await('r');
    supervise_restart(supervise);
    start_fails = ENOENT;
    run();
    cr_expect_str_eq(story, "started 1; not started 127; ");
}

/* --- other children --- */

Test(supervise, children_that_somebody_waits_for_are_left_to_him)
{
    int status;
    siginfo_t info;
    struct loop_child child = {.pid = fork()};
    if (child.pid == 0) {
        _exit(11);
    }
    loop_add_child(&loop, &child);
    cr_assert_eq(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
    begin("exit 6", NULL, NULL);
    supervise_reap(supervise);
    cr_assert_eq(waitpid(child.pid, &status, 0), child.pid, "it was taken away");
    cr_expect_eq(WEXITSTATUS(status), 11);
    loop_remove_child(&loop, &child);
    run();
    cr_expect_str_eq(story, "started 1; ended 6; ");
}

Test(supervise, orphans_are_reaped)
{
    siginfo_t info;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    supervise_reap(supervise);
    cr_expect(waitpid(pid, NULL, WNOHANG) == -1 && errno == ECHILD);
    cr_expect_str_eq(story, "");
}
