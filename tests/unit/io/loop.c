#include "io/loop.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "io/signals.h"
#include "io/timer.h"

static struct loop loop;

static void open_loop(void)
{
    struct error error;
    cr_assert(loop_init(&loop, &clock_system, &error));
}

static void run_loop(void)
{
    struct error error;
    cr_assert(loop_run(&loop, &error));
    loop_done(&loop);
}

static struct loop_source sources[2];
static int calls;

static void remove_the_other(void *context, uint32_t events)
{
    struct loop_source *other = context;
    (void)events;
    calls++;
    loop_remove(&loop, other);
    loop_stop(&loop);
}

Test(loop, a_source_removed_while_dispatching_is_not_called)
{
    struct error error;
    int fds[2][2];
    open_loop();
    for (int i = 0; i < 2; i++) {
        cr_assert(pipe(fds[i]) == 0 && write(fds[i][1], "x", 1) == 1);
        sources[i] = (struct loop_source){fds[i][0], remove_the_other, &sources[1 - i]};
        cr_assert(loop_add(&loop, &sources[i], EPOLLIN, &error));
    }
    /* Without the stop, a second dispatch of the same batch would count. */
    run_loop();
    cr_expect_eq(calls, 1);
}

static void stop(void *context)
{
    (void)context;
    calls++;
    loop_stop(&loop);
}

Test(timer, a_zero_delay_expires_on_the_next_turn)
{
    struct timer timer;
    struct error error;
    open_loop();
    cr_assert(timer_init(&timer, &loop, stop, NULL, &error));
    timer_set(&timer, 0);
    cr_expect_eq(calls, 0);
    cr_assert(loop_run(&loop, &error));
    timer_done(&timer);
    loop_done(&loop);
    cr_expect_eq(calls, 1);
}

static struct timer late;

static void set_late_again(void *context)
{
    (void)context;
    timer_stop(&late);
}

Test(timer, a_stopped_timer_does_not_expire)
{
    struct timer first, last;
    struct error error;
    open_loop();
    cr_assert(timer_init(&first, &loop, set_late_again, NULL, &error));
    cr_assert(timer_init(&late, &loop, stop, NULL, &error));
    cr_assert(timer_init(&last, &loop, stop, NULL, &error));
    timer_set(&first, 0);
    timer_set(&late, 20);
    timer_set(&last, 40);
    cr_assert(loop_run(&loop, &error));
    cr_expect_eq(calls, 1);
    timer_done(&first);
    timer_done(&late);
    timer_done(&last);
    loop_done(&loop);
}

static int received;

static void on_signal(void *context, int signal, bool from_terminal)
{
    (void)context;
    cr_expect_not(from_terminal);
    received = signal;
    loop_stop(&loop);
}

Test(signals, one_sent_before_the_loop_runs_is_not_lost)
{
    struct signals signals;
    struct error error;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    open_loop();
    cr_assert(signals_init(&signals, &loop, &set, on_signal, NULL, &error));
    raise(SIGTERM);
    cr_assert(loop_run(&loop, &error));
    cr_expect_eq(received, SIGTERM);
    signals_done(&signals);
    loop_done(&loop);
}
