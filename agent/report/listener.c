#include "report/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/parse.h"
#include "io/timer.h"

enum { QUEUE = 16 };

struct listener {
    struct listener_owner owner;
    struct MHD_Daemon *daemon; /* owns the socket */
    struct loop *loop;
    struct loop_source source;
    struct timer timer; /* connections that take too long */
};

/* MHD says when it wants to be called again without an event. */
static void plan(struct listener *listener)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    if (MHD_get_timeout(listener->daemon, &ms) == MHD_YES) {
        timer_set(&listener->timer, ms);
    } else {
        timer_stop(&listener->timer);
    }
}

/* The second run takes up listening again where the first one has made room for a connection. */
static void turn(struct listener *listener)
{
    (void)MHD_run(listener->daemon);
    (void)MHD_run(listener->daemon);
    plan(listener);
}

static void on_ready(void *context, uint32_t events)
{
    (void)events;
    turn(context);
}

static void on_timer(void *context)
{
    turn(context);
}

/* --- answers --- */

static enum MHD_Result answer(struct MHD_Connection *connection, const struct listener_page *page,
                              struct str body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.size, (void *)(uintptr_t)body.bytes, MHD_RESPMEM_MUST_COPY);
    if (!response) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page->type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (page->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    enum MHD_Result queued = MHD_queue_response(connection, page->status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    const struct listener *listener = user;
    struct listener_page page = {MHD_HTTP_NOT_FOUND, "text/plain; charset=utf-8"};
    struct str body = str_from("no such page; there are /livez, /readyz, /startupz, /metrics\n");
    struct buf made;
    (void)version;
    (void)upload;
    (void)state;
    *upload_size = 0; /* a body is read over */
    buf_init(&made, LIMIT_PAGE);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        page.status = MHD_HTTP_METHOD_NOT_ALLOWED;
        body = str_from("only GET and HEAD\n");
    } else if (listener->owner.page(listener->owner.context, path, &made, &page)) {
        body = buf_str(&made);
    }
    enum MHD_Result result = answer(connection, &page, body);
    buf_done(&made);
    return result;
}

/* --- life --- */

static bool parse_host(struct str host, uint16_t port, struct sockaddr_storage *into,
                       socklen_t *ret_size)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in *four = (struct sockaddr_in *)into;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)into;
    bool brackets = host.size > 1 && host.bytes[0] == '[';
    struct str bare = brackets ? str_slice(host, 1, host.size - 1) : host;
    if (bare.size >= sizeof(text)) {
        return false;
    }
    memcpy(text, bare.bytes, bare.size);
    text[bare.size] = '\0';
    if (brackets) {
        *six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        *ret_size = sizeof(*six);
        return inet_pton(AF_INET6, text, &six->sin6_addr) == 1;
    }
    *four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    *ret_size = sizeof(*four);
    return inet_pton(AF_INET, text, &four->sin_addr) == 1;
}

static bool parse(const char *address, struct sockaddr_storage *into, socklen_t *ret_size)
{
    const char *colon = strrchr(address, ':');
    uint64_t port;
    return colon && parse_number(str_from(colon + 1), UINT16_MAX, &port) &&
           parse_host((struct str){address, (size_t)(colon - address)}, (uint16_t)port, into,
                      ret_size);
}

static bool open_socket(const char *address, int *ret_fd, struct error *err)
{
    struct sockaddr_storage storage;
    socklen_t size;
    int on = 1;
    if (!parse(address, &storage, &size)) {
        return error_set(err, ERROR_SYSTEM, "cannot listen on %s: not an address", address);
    }
    int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return error_set_errno(err, ERROR_SYSTEM, errno, "cannot listen on %s", address);
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&storage, size) < 0 || listen(fd, QUEUE) < 0) {
        error_set_errno(err, ERROR_SYSTEM, errno, "cannot listen on %s", address);
        close(fd);
        return false;
    }
    *ret_fd = fd;
    return true;
}

__attribute__((format(printf, 2, 0))) static void ignore(void *user, const char *format,
                                                         va_list arguments)
{
    (void)user;
    (void)format;
    (void)arguments;
}

static bool start(struct listener *listener, int fd, struct error *err)
{
    listener->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, listener,
        MHD_OPTION_EXTERNAL_LOGGER, ignore, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIMIT_PAGE_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)LIMIT_PAGE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)LIMIT_PAGE_REQUEST, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        listener->daemon ? MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info) {
        return error_set(err, ERROR_SYSTEM, "cannot start the HTTP server");
    }
    listener->source =
        (struct loop_source){.fd = info->epoll_fd, .ready = on_ready, .context = listener};
    return loop_add(listener->loop, &listener->source, EPOLLIN, err);
}

static void stop(struct listener *listener)
{
    if (listener->daemon) {
        MHD_stop_daemon(listener->daemon);
    }
    timer_done(&listener->timer);
    free(listener);
}

bool listener_new(struct loop *loop, const char *address, const struct listener_owner *owner,
                  struct listener **ret_listener, struct error *err)
{
    int fd = -1;
    struct listener *listener = calloc(1, sizeof(*listener));
    if (!listener) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    listener->owner = *owner;
    listener->loop = loop;
    if (!open_socket(address, &fd, err)) {
        free(listener);
        return false;
    }
    if (!timer_init(&listener->timer, loop, on_timer, listener, err)) {
        close(fd);
        free(listener);
        return false;
    }
    if (!start(listener, fd, err)) {
        if (!listener->daemon) {
            close(fd);
        }
        stop(listener);
        return false;
    }
    *ret_listener = listener;
    return true;
}

void listener_free(struct listener *listener)
{
    if (listener) {
        loop_remove(listener->loop, &listener->source);
        stop(listener);
    }
}
