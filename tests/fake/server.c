#include "server.h"

#include "api.h"
#include "control.h"
#include "deliver.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4096
#define STACK_SIZE ((size_t)512 * 1024)
#define IDLE_SECONDS 600

struct server {
    struct MHD_Daemon *daemon;
    struct fake *fake;
    char *url;
    unsigned port;
    bool demands_certificate;
};

/* A request line was read: the request is born, with its raw query. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct server *server = cls;
    (void)connection;
    struct request *request = mem_new(1, sizeof *request);
    const char *query = strchr(uri, '?');
    request->fake = server->fake;
    request->query = mem_text(query != NULL ? query + 1 : "");
    return request;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)connection;
    (void)code;
    if (*state != NULL) {
        request_free(*state);
        *state = NULL;
    }
}

/* The library only asks for a certificate: here it is demanded, and verified. */
static void demand_certificate(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    gnutls_session_t session = info->tls_session;
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    gnutls_session_set_verify_cert(session, NULL, 0);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *server = cls;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        free(*state);
        *state = NULL;
        return;
    }
    struct session *session = mem_new(1, sizeof *session);
    pthread_mutex_lock(&server->fake->lock);
    session->id = ++server->fake->last_connection;
    pthread_mutex_unlock(&server->fake->lock);
    *state = session;
    if (server->demands_certificate) {
        demand_certificate(connection);
    }
}

static void copy_header(const struct request *request, const char *name, char *out, size_t size)
{
    const char *text = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
    snprintf(out, size, "%s", text != NULL ? text : "");
}

static void copy_peer(const struct request *request, char *out, size_t size)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info->client_addr;
    socklen_t n =
        address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (getnameinfo(address, n, out, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0) {
        out[0] = '\0';
    }
}

/* The headers were read: the request counts from here. */
static void begin(struct request *request, const char *path, const char *method)
{
    struct log_entry *entry = &request->entry;
    struct fake *fake = request->fake;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    request->session = info->socket_context;
    snprintf(request->method, sizeof request->method, "%s", method);
    request_split(request, path);
    if (request->is_control) {
        return;
    }
    snprintf(entry->method, sizeof entry->method, "%s", method);
    snprintf(entry->path, sizeof entry->path, "%s", path);
    snprintf(entry->query, sizeof entry->query, "%s", request->query);
    copy_header(request, "User-Agent", entry->user_agent, sizeof entry->user_agent);
    copy_peer(request, entry->peer, sizeof entry->peer);
    entry->monotonic_ms = clock_monotonic_ms();
    entry->wall_seconds = (int64_t)time(NULL);
    entry->connection = request->session->id;
    api_classify(request);
    pthread_mutex_lock(&fake->lock);
    log_count_arrival(fake->log, entry->endpoint);
    if (request->session->epoch != log_epoch(fake->log)) {
        request->session->epoch = log_epoch(fake->log);
        log_count_connection(fake->log);
    }
    entry->in_flight = log_begin(fake->log);
    request->in_flight = true;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

static void take_body(struct request *request, const char *data, size_t n)
{
    if (request->too_large || request->body.length + n > REQUEST_BODY_MAX) {
        request->too_large = true;
        buf_done(&request->body);
    } else {
        buf_add(&request->body, data, n);
    }
}

static enum MHD_Result serve_control(struct request *request)
{
    struct fault none = {0};
    struct reply reply = {0};
    pthread_mutex_lock(&request->fake->lock);
    control_answer(request, &reply);
    pthread_mutex_unlock(&request->fake->lock);
    enum MHD_Result result = deliver(request, &none, &reply);
    reply_done(&reply);
    return result;
}

/* Makes the answer and keeps it in the log, before the client can see any of it. */
static void answer(struct request *request, const struct fault *fault, bool gone,
                   struct reply *reply)
{
    struct fake *fake = request->fake;
    struct log_entry *entry = &request->entry;
    pthread_mutex_lock(&fake->lock);
    if (!gone && !deliver_make(request, fault, reply)) {
        api_answer(request, reply);
    }
    entry->status = reply->status;
    entry->bytes = reply->status != 0 ? deliver_bytes(fault, reply) : 0;
    entry->fault_id = fault->id;
    memcpy(entry->fault, fault->names, sizeof entry->fault);
    log_add(fake->log, entry);
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

static enum MHD_Result serve_api(struct request *request)
{
    struct fake *fake = request->fake;
    struct reply reply = {0};
    pthread_mutex_lock(&fake->lock);
    api_authenticate(request);
    struct fault fault = faults_match(fake->faults, request->method, request->entry.endpoint,
                                      request->path, request->entry.token);
    pthread_mutex_unlock(&fake->lock);
    bool gone = fault.latency_ms > 0 && !request_wait(request, fault.latency_ms);
    answer(request, &fault, gone, &reply);
    enum MHD_Result result = gone ? MHD_NO : deliver(request, &fault, &reply);
    reply_done(&reply);
    fault_done(&fault);
    return result;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *n, void **state)
{
    struct request *request = *state;
    (void)cls;
    (void)version;
    if (request->connection == NULL) {
        request->connection = connection;
        begin(request, path, method);
        return MHD_YES;
    }
    if (*n > 0) {
        take_body(request, data, *n);
        *n = 0;
        return MHD_YES;
    }
    return request->is_control ? serve_control(request) : serve_api(request);
}

/* Splits ADDR:PORT or [ADDR]:PORT in place. Returns the port, or NULL. */
static char *split_listen(char *text, char **ret_address)
{
    char *colon = strrchr(text, ':');
    if (colon == NULL) {
        return NULL;
    }
    *colon = '\0';
    size_t n = strlen(text);
    *ret_address = text;
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
        text[n - 1] = '\0';
        *ret_address = text + 1;
    }
    return colon + 1;
}

/* Returns a listening socket, or -1 with errno set. */
static int listen_at(const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* Returns a listening socket, or -1 with a message on stderr. */
static int open_socket(const char *listen_option)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char *copy = mem_text(listen_option);
    char *address = NULL;
    int fd = -1;
    const char *port = split_listen(copy, &address);
    int failed = port != NULL ? getaddrinfo(address, port, &hints, &found) : EAI_NONAME;
    if (failed != 0) {
        fprintf(stderr, "fake-connect: --listen %s: %s\n", listen_option, gai_strerror(failed));
    } else {
        fd = listen_at(found);
        if (fd < 0) {
            fprintf(stderr, "fake-connect: --listen %s: %s\n", listen_option, strerror(errno));
        }
        freeaddrinfo(found);
    }
    free(copy);
    return fd;
}

static void tell_address(struct server *server, int fd, bool is_tls)
{
    struct sockaddr_storage bound = {0};
    socklen_t n = sizeof bound;
    char host[64];
    char port[8];
    if (getsockname(fd, (struct sockaddr *)&bound, &n) != 0 ||
        getnameinfo((struct sockaddr *)&bound, n, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        abort();
    }
    bool is_v6 = bound.ss_family == AF_INET6;
    server->port = (unsigned)strtoul(port, NULL, 10);
    server->url = mem_print("%s://%s%s%s:%s", is_tls ? "https" : "http", is_v6 ? "[" : "", host,
                            is_v6 ? "]" : "", port);
}

static struct MHD_Daemon *start_daemon(struct server *server, const struct tls *tls, int fd)
{
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL;
    struct MHD_OptionItem secure[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, tls != NULL ? tls->certificate : NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, tls != NULL ? tls->key : NULL},
        {tls != NULL && tls->client_ca != NULL ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
         tls != NULL ? tls->client_ca : NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    if (tls == NULL) {
        secure[0].option = MHD_OPTION_END;
    }
    return MHD_start_daemon(
        flags | (tls != NULL ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, server,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_THREAD_STACK_SIZE,
        STACK_SIZE, MHD_OPTION_URI_LOG_CALLBACK, on_uri, server, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_ARRAY,
        secure, MHD_OPTION_END);
}

struct server *server_start(struct fake *fake, const struct tls *tls)
{
    int fd = open_socket(fake->options->listen);
    if (fd < 0) {
        return NULL;
    }
    struct server *server = mem_new(1, sizeof *server);
    server->fake = fake;
    server->demands_certificate = tls != NULL && tls->client_ca != NULL;
    tell_address(server, fd, tls != NULL);
    server->daemon = start_daemon(server, tls, fd);
    if (server->daemon == NULL) {
        fprintf(stderr, "fake-connect: the HTTP server does not start\n");
        close(fd);
        free(server->url);
        free(server);
        return NULL;
    }
    return server;
}

const char *server_url(const struct server *server)
{
    return server->url;
}

unsigned server_port(const struct server *server)
{
    return server->port;
}

void server_stop(struct server *server)
{
    MHD_stop_daemon(server->daemon);
    free(server->url);
    free(server);
}
