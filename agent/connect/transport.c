#include "connect/transport.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connect/failure.h"
#include "io/timer.h"
#include "version.h"

/* One for each socket that curl has; curl keeps the pointer for us. */
struct socket_source {
    struct transport *transport; /* null: free */
    struct loop_source source;
};

/* curl closes what is idle beyond its limit only after opening another, and name resolution and
 * happy eyeballs have sockets of their own. */
enum { SOCKETS_MOST = 8 * LIMIT_IN_FLIGHT };

struct transport {
    struct loop *loop;
    const struct settings *settings;
    CURLM *multi;
    struct timer timer;
    struct transport_call *calls;
    struct socket_source sockets[SOCKETS_MOST]; /* curl does not survive a callback out of memory */
};

struct transport_call {
    struct transport *transport;
    struct transport_call *next;
    CURL *easy;
    struct curl_slist *headers;
    struct secret *body;
    size_t headers_size;
    struct transport_done done;
    bool too_large;
    bool elsewhere;
    char reason[CURL_ERROR_SIZE];
};

static void finish_calls(struct transport *transport);

static void act(struct transport *transport, curl_socket_t fd, int events)
{
    int running;
    (void)curl_multi_socket_action(transport->multi, fd, events, &running);
    finish_calls(transport);
}

static void on_socket(void *context, uint32_t events)
{
    struct socket_source *socket = context;
    int bits = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
               (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    act(socket->transport, socket->source.fd, bits);
}

static void on_timer(void *context)
{
    act(context, CURL_SOCKET_TIMEOUT, 0);
}

static void drop_socket(struct socket_source *socket)
{
    loop_remove(socket->transport->loop, &socket->source);
    socket->transport = NULL;
}

static struct socket_source *free_socket(struct transport *transport)
{
    for (size_t i = 0; i < SOCKETS_MOST; i++) {
        if (!transport->sockets[i].transport) {
            return &transport->sockets[i];
        }
    }
    return NULL;
}

static int add_socket(struct transport *transport, curl_socket_t fd, uint32_t events)
{
    struct error ignored;
    struct socket_source *socket = free_socket(transport);
    if (!socket) {
        return -1;
    }
    socket->source = (struct loop_source){.fd = fd, .ready = on_socket, .context = socket};
    if (!loop_add(transport->loop, &socket->source, events, &ignored)) {
        return -1;
    }
    socket->transport = transport;
    (void)curl_multi_assign(transport->multi, fd, socket);
    return 0;
}

/* CURLMOPT_SOCKETFUNCTION */
static int want_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *assigned)
{
    struct transport *transport = user;
    struct socket_source *socket = assigned;
    struct error ignored;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (socket) {
            drop_socket(socket);
        }
        return 0;
    }
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (!socket) {
        return add_socket(transport, fd, events);
    }
    return loop_change(transport->loop, &socket->source, events, &ignored) ? 0 : -1;
}

/* CURLMOPT_TIMERFUNCTION. A zero timeout is armed too: curl must not be called from its own
 * callback. */
static int want_timer(CURLM *multi, long ms, void *user)
{
    struct transport *transport = user;
    (void)multi;
    if (ms < 0) {
        timer_stop(&transport->timer);
    } else {
        timer_set(&transport->timer, (uint64_t)ms);
    }
    return 0;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *user)
{
    struct transport_call *call = user;
    struct error ignored;
    if (!secret_append(call->body, (struct str){bytes, size * count}, &ignored)) {
        call->too_large = true;
        return 0;
    }
    return size * count;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *user)
{
    struct transport_call *call = user;
    (void)bytes;
    call->headers_size += size * count;
    return call->headers_size > LIMIT_HEADERS ? 0 : size * count;
}

bool transport_new(struct loop *loop, const struct settings *settings,
                   struct transport **ret_transport, struct error *err)
{
    /* Every byte curl keeps, the token's header among them, is in memory that is wiped. */
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, secret_alloc, secret_release, secret_realloc,
                             secret_strdup, secret_calloc) != CURLE_OK) {
        return error_set(err, ERROR_SYSTEM, "cannot start curl");
    }
    struct transport *transport = calloc(1, sizeof(*transport));
    CURLM *multi = curl_multi_init();
    if (!transport || !multi || !timer_init(&transport->timer, loop, on_timer, transport, err)) {
        curl_multi_cleanup(multi);
        free(transport);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    transport->loop = loop;
    transport->settings = settings;
    transport->multi = multi;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, transport);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, transport);
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)LIMIT_IN_FLIGHT);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)LIMIT_IN_FLIGHT);
    *ret_transport = transport;
    return true;
}

void transport_free(struct transport *transport)
{
    if (!transport) {
        return;
    }
    while (transport->calls) {
        transport_cancel(transport->calls);
    }
    curl_multi_cleanup(transport->multi);
    timer_done(&transport->timer);
    free(transport);
    curl_global_cleanup();
}

static void set_tls(CURL *easy, const struct settings *settings)
{
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (settings->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (settings->client_cert_file) {
        /* One file may hold both, which not every TLS library of curl tries by itself. */
        curl_easy_setopt(easy, CURLOPT_SSLCERT, settings->client_cert_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, settings->client_cert_file);
    }
    if (settings->client_key_file) {
        curl_easy_setopt(easy, CURLOPT_SSLKEY, settings->client_key_file);
    }
}

static void set_method(CURL *easy, const char *method)
{
    if (strcmp(method, "GET") == 0) {
        return;
    }
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, ""); /* curl keeps the pointer */
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static bool set_request(struct transport_call *call, const struct transport_request *request)
{
    const struct settings *settings = call->transport->settings;
    CURL *easy = call->easy;
    char *url;
    if (asprintf(&url, "%s%s", settings->host, request->path) < 0) {
        return false;
    }
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, url);
    free(url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "connect-agent/" CONNECT_AGENT_VERSION);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)settings->request_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->request_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->limit);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    if (request->elsewhere) {
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    set_method(easy, request->method);
    return code == CURLE_OK;
}

static void set_callbacks(struct transport_call *call)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->reason);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
}

static void call_free(struct transport_call *call)
{
    if (call->easy) {
        (void)curl_multi_remove_handle(call->transport->multi, call->easy);
        curl_easy_cleanup(call->easy);
    }
    curl_slist_free_all(call->headers);
    secret_free(call->body);
    free(call);
}

static bool append_header(struct transport_call *call, const char *text)
{
    struct curl_slist *headers = curl_slist_append(call->headers, text);
    if (headers) {
        call->headers = headers;
    }
    return headers != NULL;
}

static bool set_headers(struct transport_call *call, const struct secret *token)
{
    struct error ignored;
    if (!token) {
        return append_header(call, "Accept: */*");
    }
    SECRET_AUTO header = secret_new(LIMIT_TOKEN + 64);
    return header && secret_append(header, str_from("Authorization: Bearer "), &ignored) &&
           secret_append_secret(header, token, &ignored) &&
           append_header(call, secret_bytes(header)) &&
           append_header(call, "Accept: application/json, application/octet-stream");
}

bool transport_send(struct transport *transport, const struct transport_request *request,
                    struct transport_done done, struct transport_call **ret_call, struct error *err)
{
    struct transport_call *call = calloc(1, sizeof(*call));
    if (!call) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *call = (struct transport_call){
        .transport = transport, .done = done, .elsewhere = request->elsewhere};
    call->easy = curl_easy_init();
    call->body = secret_new(request->limit);
    if (!call->easy || !call->body || !set_headers(call, request->token) ||
        !set_request(call, request)) {
        call_free(call);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    set_tls(call->easy, transport->settings);
    set_callbacks(call);
    CURLMcode code = curl_multi_add_handle(transport->multi, call->easy);
    if (code != CURLM_OK) {
        call_free(call);
        return error_set(err, ERROR_SYSTEM, "curl: %s", curl_multi_strerror(code));
    }
    call->next = transport->calls;
    transport->calls = call;
    *ret_call = call;
    return true;
}

static void unlink_call(struct transport_call *call)
{
    struct transport_call **at = &call->transport->calls;
    while (*at != call) {
        at = &(*at)->next;
    }
    *at = call->next;
}

void transport_cancel(struct transport_call *call)
{
    unlink_call(call);
    call_free(call);
}

static uint64_t retry_after_ms(CURL *easy)
{
    curl_off_t seconds = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds <= 0) {
        return 0;
    }
    return (uint64_t)(seconds > LIMIT_RETRY_AFTER_SECONDS ? LIMIT_RETRY_AFTER_SECONDS : seconds) *
           1000;
}

static void report(struct transport_call *call, CURLcode code)
{
    struct error error;
    struct transport_answer answer = {.body = call->body};
    char *type = NULL;
    if (code != CURLE_OK) {
        failure_describe(&(struct failure){.code = (int)code,
                                           .reason = call->reason,
                                           .settings = call->transport->settings,
                                           .elsewhere = call->elsewhere,
                                           .body_too_large = call->too_large,
                                           .headers_too_large = call->headers_size > LIMIT_HEADERS,
                                           .body_size = secret_size(call->body)},
                         &error);
        call->done.call(call->done.context, NULL, &error);
        return;
    }
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &answer.status);
    (void)curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
    answer.is_html = type && str_starts(str_from(type), "text/html");
    answer.retry_after_ms = retry_after_ms(call->easy);
    call->done.call(call->done.context, &answer, NULL);
}

/* A callback may start and cancel calls: so one message is taken at a time, and the call is off all
 * lists before it is reported. */
static void finish_calls(struct transport *transport)
{
    struct CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(transport->multi, &left))) {
        struct transport_call *call = NULL;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        unlink_call(call);
        (void)curl_multi_remove_handle(transport->multi, call->easy);
        report(call, code);
        call_free(call);
    }
}

const char *transport_library_version(void)
{
    return curl_version();
}
