#include "reload/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/timer.h"

enum { CHUNK = 16 << 10 };

struct relay {
    struct loop *loop;
    struct relay_owner owner;
    struct loop_source from; /* the pipe's reading end; fd -1: nobody takes what we write */
    struct loop_source to;
    struct timer finish; /* tells the owner on a turn of its own */
    int writer;
    bool always_ready;      /* `to` is a file, which epoll does not take: it never blocks */
    struct secret *pending; /* converted and not written; null: nothing */
    size_t written;         /* of it */
    bool is_finishing;
    size_t left; /* of the pipe, when finishing */
};

static void stop_reading(struct relay *relay)
{
    loop_remove(relay->loop, &relay->from);
}

static void go_on(struct relay *relay);

/* --- writing --- */

static void drop_pending(struct relay *relay)
{
    secret_free(relay->pending);
    relay->pending = NULL;
    relay->written = 0;
}

/* As without us: the command's next write fails (EPIPE). */
static void break_off(struct relay *relay)
{
    drop_pending(relay);
    close(relay->from.fd);
    relay->from.fd = -1;
    relay->left = 0;
}

/* The other output may lead to the same pipe and have filled it since the loop looked. */
static bool takes_more(const struct relay *relay)
{
    struct pollfd to = {.fd = relay->to.fd, .events = POLLOUT};
    return relay->always_ready || poll(&to, 1, 0) > 0;
}

/* Not more at once than a pipe that is ready takes without blocking (pipe(7)): the descriptor is
 * not ours alone, and so must stay as it is. False: it takes no more now. */
static bool write_some(struct relay *relay)
{
    if (!takes_more(relay)) {
        return false;
    }
    struct str rest =
        str_slice(secret_str(relay->pending), relay->written, secret_size(relay->pending));
    ssize_t size = write(relay->to.fd, rest.bytes, rest.size < PIPE_BUF ? rest.size : PIPE_BUF);
    if (size < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            break_off(relay);
        }
        return errno == EINTR;
    }
    relay->written += (size_t)size;
    if (relay->written == secret_size(relay->pending)) {
        drop_pending(relay);
    }
    return relay->always_ready;
}

static void on_writable(void *context, uint32_t events)
{
    struct relay *relay = context;
    (void)events;
    (void)write_some(relay);
    if (!relay->pending) {
        loop_remove(relay->loop, &relay->to);
        go_on(relay);
    }
}

/* Leaves the rest to the loop; a file is written at once. */
static void begin_writing(struct relay *relay)
{
    struct error unused;
    if (!relay->always_ready && !loop_add(relay->loop, &relay->to, EPOLLOUT, &unused)) {
        relay->always_ready = true;
    }
    while (relay->always_ready && relay->pending && write_some(relay)) {
    }
    if (relay->always_ready && relay->pending) { /* it cannot be waited for after all */
        break_off(relay);
    }
}

/* --- reading --- */

static void convert(struct relay *relay, struct str more, bool is_end)
{
    struct secret *into = secret_new(LIMIT_MASK);
    if (into) {
        relay->owner.convert(relay->owner.context, more, is_end, into);
    }
    if (!into || secret_size(into) == 0) {
        secret_free(into);
        return;
    }
    relay->pending = into;
    begin_writing(relay);
}

/* False: nothing was there. */
static bool read_some(struct relay *relay)
{
    char bytes[CHUNK];
    size_t wanted = relay->is_finishing && relay->left < CHUNK ? relay->left : CHUNK;
    ssize_t size = wanted > 0 ? read(relay->from.fd, bytes, wanted) : 0;
    if (size <= 0) {
        relay->left = 0;
        return false;
    }
    relay->left -= relay->is_finishing ? (size_t)size : 0;
    convert(relay, (struct str){bytes, (size_t)size}, false);
    explicit_bzero(bytes, (size_t)size);
    return true;
}

static void on_readable(void *context, uint32_t events)
{
    struct relay *relay = context;
    (void)events;
    (void)read_some(relay);
    if (relay->pending || relay->from.fd < 0) {
        stop_reading(relay);
    }
}

/* --- the end --- */

static void drain(struct relay *relay)
{
    while (!relay->pending && relay->from.fd >= 0 && relay->left > 0 && read_some(relay)) {
    }
    if (relay->pending) {
        return;
    }
    if (relay->from.fd >= 0) {
        close(relay->from.fd);
        relay->from.fd = -1;
        convert(relay, (struct str){NULL, 0}, true);
    }
    if (!relay->pending) {
        timer_set(&relay->finish, 0);
    }
}

static void go_on(struct relay *relay)
{
    struct error unused;
    if (relay->is_finishing) {
        drain(relay);
    } else if (relay->from.fd >= 0 && !loop_add(relay->loop, &relay->from, EPOLLIN, &unused)) {
        break_off(relay);
    }
}

static void on_finished(void *context)
{
    struct relay *relay = context;
    relay->owner.finished(relay->owner.context);
}

void relay_finish(struct relay *relay)
{
    int left = 0;
    relay->is_finishing = true;
    if (relay->from.fd >= 0) {
        stop_reading(relay);
        (void)ioctl(relay->from.fd, FIONREAD, &left);
        relay->left = left > 0 ? (size_t)left : 0;
    }
    if (!relay->pending) {
        drain(relay);
    }
}

/* --- life --- */

int relay_writer(const struct relay *relay)
{
    return relay->writer;
}

static bool open_relay(struct relay *relay, struct error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return error_set_errno(err, ERROR_SYSTEM, errno, "pipe2");
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    relay->writer = ends[1];
    relay->from = (struct loop_source){ends[0], on_readable, relay};
    if (!timer_init(&relay->finish, relay->loop, on_finished, relay, err)) {
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    if (!loop_add(relay->loop, &relay->from, EPOLLIN, err)) {
        timer_done(&relay->finish);
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    return true;
}

bool relay_new(struct loop *loop, int to, const struct relay_owner *owner, struct relay **ret_relay,
               struct error *err)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    if (!relay) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *relay = (struct relay){.loop = loop, .owner = *owner, .to = {to, on_writable, relay}};
    if (!open_relay(relay, err)) {
        free(relay);
        return false;
    }
    *ret_relay = relay;
    return true;
}

void relay_free(struct relay *relay)
{
    if (!relay) {
        return;
    }
    if (relay->pending && !relay->always_ready) {
        loop_remove(relay->loop, &relay->to);
    }
    if (relay->from.fd >= 0) {
        loop_remove(relay->loop, &relay->from);
        close(relay->from.fd);
    }
    close(relay->writer);
    drop_pending(relay);
    timer_done(&relay->finish);
    free(relay);
}
