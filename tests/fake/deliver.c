#include "deliver.h"

#include "api.h"
#include "members.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define GARBAGE_SIZE 1024
#define BLOCK_SIZE 65536

static const char html_page[] =
    "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n"
    "<body><h1>Sign in to continue</h1><form method=\"post\" action=\"/login\">"
    "<input name=\"user\"><input name=\"password\" type=\"password\"></form></body></html>\n";

static const char *status_message(unsigned status)
{
    switch (status) {
    case 401:
        return "Invalid token signature";
    case 403:
        return "Authorization: token does not have access to vault";
    case 408:
        return "sync did not complete within timeout, please retry the request";
    case 500:
        return "Something went wrong";
    default:
        return MHD_get_reason_phrase_for(status);
    }
}

/* The members of a fault that change any answer it makes. */
static void apply_members(const struct fault *fault, struct reply *reply)
{
    const char *type = members_text(fault->rule, "content_type");
    const cJSON *header = NULL;
    reply->type = type != NULL ? type : reply->type;
    cJSON_ArrayForEach(header, cJSON_GetObjectItemCaseSensitive(fault->rule, "headers"))
    {
        if (cJSON_IsString(header)) {
            reply_header(reply, header->string, header->valuestring);
        }
    }
}

static void make_status(const struct fault *fault, struct reply *reply)
{
    unsigned status = (unsigned)fault->number;
    const char *body = members_text(fault->rule, "body");
    if (body != NULL) {
        reply_bytes(reply, status, "text/plain; charset=utf-8", body, strlen(body));
    } else {
        reply_error(reply, status, "%s", status_message(status));
    }
}

static void make_replacement(const struct fault *fault, struct reply *reply)
{
    const cJSON *replace = cJSON_GetObjectItemCaseSensitive(fault->rule, "replace");
    if (cJSON_IsString(replace)) {
        const char *text = replace->valuestring;
        reply_bytes(reply, 200, "application/json", text, strlen(text));
    } else {
        reply_json(reply, 200, cJSON_Duplicate(replace, true));
    }
}

bool deliver_make(const struct request *request, const struct fault *fault, struct reply *reply)
{
    unsigned char garbage[GARBAGE_SIZE];
    switch (fault->kind) {
    case FAULT_STATUS:
        make_status(fault, reply);
        break;
    case FAULT_GARBAGE:
        random_fill(garbage, sizeof garbage);
        reply_bytes(reply, 200, "application/json", garbage, sizeof garbage);
        break;
    case FAULT_HTML:
        reply_bytes(reply, 200, "text/html; charset=utf-8", html_page, sizeof html_page - 1);
        break;
    case FAULT_EMPTY:
    case FAULT_DEPTH:
        reply_bytes(reply, 200, "application/json", "", 0);
        break;
    case FAULT_NOT_SYNCED:
        api_answer_not_synced(request, reply);
        break;
    case FAULT_REPLACE:
        make_replacement(fault, reply);
        break;
    case FAULT_RESET:
    case FAULT_CLOSE:
    case FAULT_HANG:
        return true;
    default:
        return false;
    }
    apply_members(fault, reply);
    return true;
}

/* What the headers promise. */
static uint64_t promised_bytes(const struct fault *fault, const struct reply *reply)
{
    uint64_t number = (uint64_t)fault->number;
    if (fault->kind == FAULT_DEPTH) {
        return number * 2;
    }
    return fault->kind == FAULT_SIZE && number > reply->length ? number : reply->length;
}

uint64_t deliver_bytes(const struct fault *fault, const struct reply *reply)
{
    uint64_t promised = promised_bytes(fault, reply);
    uint64_t number = (uint64_t)fault->number;
    return fault->kind == FAULT_TRUNCATE && number < promised ? number : promised;
}

/* A body that is made while it is sent. */
struct stream {
    struct request *request;
    enum fault_kind kind;
    char *body;
    size_t length;
    uint64_t promised;
    uint64_t sent; /* where it ends, at most promised */
    uint64_t depth;
    int64_t drip_ms;
    size_t drip_bytes;
};

static void stream_free(void *cls)
{
    struct stream *stream = cls;
    free(stream->body);
    free(stream);
}

/* Sends what was held back, and waits; false if there is nobody left to send to. */
static bool stream_drip(const struct stream *stream)
{
    int on = 1;
    setsockopt(request_socket(stream->request), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return request_wait(stream->request, stream->drip_ms);
}

/* The true body, then spaces, which JSON allows; or the nested arrays. */
static void stream_fill(const struct stream *stream, uint64_t from, char *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t at = from + i;
        if (stream->kind == FAULT_DEPTH) {
            out[i] = at < stream->depth ? '[' : ']';
        } else {
            out[i] = at < stream->length ? stream->body[at] : ' ';
        }
    }
}

static ssize_t stream_read(void *cls, uint64_t from, char *out, size_t max)
{
    struct stream *stream = cls;
    if (from >= stream->sent) {
        bool whole = stream->sent == stream->promised;
        return whole ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
    }
    uint64_t left = stream->sent - from;
    size_t n = left < max ? (size_t)left : max;
    if (stream->kind == FAULT_DRIP) {
        if (from > 0 && !stream_drip(stream)) {
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
        n = n < stream->drip_bytes ? n : stream->drip_bytes;
    }
    stream_fill(stream, from, out, n);
    if (n == left) {
        request_leave(stream->request);
    }
    return (ssize_t)n;
}

static struct MHD_Response *stream_response(struct request *request, const struct fault *fault,
                                            struct reply *reply)
{
    struct stream *stream = mem_new(1, sizeof *stream);
    *stream = (struct stream){
        .request = request,
        .kind = fault->kind,
        .body = reply->body,
        .length = reply->length,
        .promised = promised_bytes(fault, reply),
        .sent = deliver_bytes(fault, reply),
        .depth = (uint64_t)fault->number,
        .drip_ms = fault->drip_ms,
        .drip_bytes = (size_t)fault->number,
    };
    reply->body = NULL;
    uint64_t size = fault->chunked ? MHD_SIZE_UNKNOWN : stream->promised;
    return MHD_create_response_from_callback(size, BLOCK_SIZE, stream_read, stream, stream_free);
}

/* Ends the connection at once, without waiting for what the library would still say on it. */
static void reset_connection(const struct request *request)
{
    int fd = request_socket(request);
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    (void)connect(fd, &nowhere, sizeof nowhere); /* sends the RST */
}

static enum MHD_Result send_response(struct request *request, const struct fault *fault,
                                     struct reply *reply, struct MHD_Response *response)
{
    if (reply->type != NULL) {
        MHD_add_response_header(response, "Content-Type", reply->type);
    }
    const char *version = request->fake->options->version;
    if (!request->is_control && version[0] != '\0' && fault->kind != FAULT_HTML) {
        MHD_add_response_header(response, "1Password-Connect-Version", version);
    }
    for (size_t i = 0; i < reply->n_headers; i++) {
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    }
    if (fault->no_keepalive) {
        MHD_add_response_header(response, "Connection", "close");
    }
    enum MHD_Result result = MHD_queue_response(request->connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result deliver(struct request *request, const struct fault *fault, struct reply *reply)
{
    bool streams = fault->chunked;
    switch (fault->kind) {
    case FAULT_HANG:
        request_wait(request, -1);
        return MHD_NO;
    case FAULT_RESET:
        reset_connection(request);
        return MHD_NO;
    case FAULT_CLOSE:
        shutdown(request_socket(request), SHUT_RDWR);
        return MHD_NO;
    case FAULT_TRUNCATE:
    case FAULT_SIZE:
    case FAULT_DEPTH:
    case FAULT_DRIP:
        streams = true;
        break;
    default:
        break;
    }
    if (streams && promised_bytes(fault, reply) > 0) {
        return send_response(request, fault, reply, stream_response(request, fault, reply));
    }
    request_leave(request);
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(reply->length, reply->body, free);
    reply->body = NULL;
    return send_response(request, fault, reply, response);
}
