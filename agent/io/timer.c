#include "io/timer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static void on_ready(void *context, uint32_t events)
{
    struct timer *timer = context;
    uint64_t count;
    (void)events;
    /* Fails when the timer was set anew after the event was queued: then it has not expired. */
    if (read(timer->source.fd, &count, sizeof(count)) == (ssize_t)sizeof(count)) {
        timer->expired(timer->context);
    }
}

bool timer_init(struct timer *timer, struct loop *loop, void (*expired)(void *context),
                void *context, struct error *err)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0) {
        return error_set_errno(err, ERROR_SYSTEM, errno, "timerfd_create");
    }
    *timer = (struct timer){.loop = loop,
                            .source = {.fd = fd, .ready = on_ready, .context = timer},
                            .expired = expired,
                            .context = context};
    if (!loop_add(loop, &timer->source, EPOLLIN, err)) {
        close(fd);
        return false;
    }
    return true;
}

void timer_done(struct timer *timer)
{
    loop_remove(timer->loop, &timer->source);
    close(timer->source.fd);
    timer->source.fd = -1;
}

static void arm(struct timer *timer, struct timespec value)
{
    struct itimerspec spec = {.it_value = value};
    (void)timerfd_settime(timer->source.fd, 0, &spec, NULL);
}

void timer_set(struct timer *timer, uint64_t ms)
{
    struct timespec value = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    if (ms == 0) {
        value.tv_nsec = 1; /* zero would disarm */
    }
    arm(timer, value);
}

void timer_stop(struct timer *timer)
{
    arm(timer, (struct timespec){0});
}
