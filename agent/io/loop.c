#include "io/loop.h"

#include <errno.h>
#include <unistd.h>

bool loop_init(struct loop *loop, const struct clock *clock, struct error *err)
{
    *loop = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC), .clock = clock};
    if (loop->epoll_fd < 0) {
        return error_set_errno(err, ERROR_SYSTEM, errno, "epoll_create1");
    }
    return true;
}

void loop_done(struct loop *loop)
{
    close(loop->epoll_fd);
    loop->epoll_fd = -1;
}

static bool control(struct loop *loop, int operation, struct loop_source *source, uint32_t events,
                    struct error *err)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (epoll_ctl(loop->epoll_fd, operation, source->fd, &event) < 0) {
        return error_set_errno(err, ERROR_SYSTEM, errno, "epoll_ctl");
    }
    return true;
}

bool loop_add(struct loop *loop, struct loop_source *source, uint32_t events, struct error *err)
{
    return control(loop, EPOLL_CTL_ADD, source, events, err);
}

bool loop_change(struct loop *loop, struct loop_source *source, uint32_t events, struct error *err)
{
    return control(loop, EPOLL_CTL_MOD, source, events, err);
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
    /* The descriptor may be closed already, which has removed it. */
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    for (int i = 0; i < loop->batch_count; i++) {
        if (loop->batch[i].data.ptr == source) {
            loop->batch[i].data.ptr = NULL;
        }
    }
}

void loop_add_child(struct loop *loop, struct loop_child *child)
{
    child->next = loop->children;
    loop->children = child;
}

void loop_remove_child(struct loop *loop, struct loop_child *child)
{
    struct loop_child **at = &loop->children;
    while (*at && *at != child) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = child->next;
    }
}

bool loop_has_child(const struct loop *loop, pid_t pid)
{
    const struct loop_child *child = loop->children;
    while (child && child->pid != pid) {
        child = child->next;
    }
    return child != NULL;
}

bool loop_run(struct loop *loop, struct error *err)
{
    while (!loop->stopped) {
        int count = epoll_wait(loop->epoll_fd, loop->batch, LOOP_BATCH, -1);
        if (count < 0 && errno != EINTR) {
            return error_set_errno(err, ERROR_SYSTEM, errno, "epoll_wait");
        }
        loop->batch_count = count > 0 ? count : 0;
        for (int i = 0; i < loop->batch_count && !loop->stopped; i++) {
            struct loop_source *source = loop->batch[i].data.ptr;
            if (source) {
                source->ready(source->context, loop->batch[i].events);
            }
        }
        loop->batch_count = 0;
    }
    return true;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}
