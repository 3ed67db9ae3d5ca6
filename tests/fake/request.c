#include "request.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

void request_split(struct request *request, const char *path)
{
    const char *prefix = request->fake->options->path_prefix;
    bool is_control = strncmp(path, "/_fake/", 7) == 0;
    size_t skip = is_control ? 0 : strlen(prefix);
    request->is_control = is_control;
    request->path = mem_text(path);
    if ((skip > 0 && strncmp(path, prefix, skip) != 0) || path[skip] != '/') {
        return;
    }
    request->split = mem_text(path + skip + 1);
    char *rest = request->split;
    while (rest != NULL) {
        if (request->n_parts == REQUEST_PARTS_MAX) {
            request->n_parts = 0;
            return;
        }
        request->parts[request->n_parts++] = strsep(&rest, "/");
    }
    if (request->n_parts > 1 && request->parts[request->n_parts - 1][0] == '\0') {
        request->n_parts--;
    }
}

bool request_part_is(const struct request *request, size_t i, const char *text)
{
    return i < request->n_parts && strcmp(request->parts[i], text) == 0;
}

const char *request_argument(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

bool request_argument_true(const struct request *request, const char *name)
{
    const char *text = request_argument(request, name);
    return text != NULL && strcmp(text, "true") == 0;
}

int64_t request_argument_number(const struct request *request, const char *name, int64_t otherwise,
                                int64_t limit)
{
    const char *text = request_argument(request, name);
    char *end = NULL;
    if (text == NULL) {
        return otherwise;
    }
    long long number = strtoll(text, &end, 10);
    bool right = end != text && *end == '\0' && number >= 0;
    return !right ? otherwise : number > limit ? limit : number;
}

int request_socket(const struct request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info->connect_fd;
}

bool request_wait(const struct request *request, int64_t ms)
{
    struct pollfd fds[2] = {
        {.fd = request->fake->stop_fd, .events = POLLIN},
        {.fd = request_socket(request), .events = POLLRDHUP},
    };
    int64_t until = clock_monotonic_ms() + ms;
    for (;;) {
        int64_t left = ms < 0 ? -1 : until - clock_monotonic_ms();
        if (ms >= 0 && left <= 0) {
            return true;
        }
        int ready = poll(fds, 2, (int)left);
        if (ready > 0) {
            return false;
        }
        if (ready < 0 && errno != EINTR) {
            return false;
        }
    }
}

cJSON *request_json(const struct request *request)
{
    if (request->body.length == 0) {
        return NULL;
    }
    return cJSON_ParseWithLength(request->body.data, request->body.length);
}

void request_leave(struct request *request)
{
    if (request->in_flight) {
        pthread_mutex_lock(&request->fake->lock);
        log_end(request->fake->log);
        pthread_cond_broadcast(&request->fake->changed);
        pthread_mutex_unlock(&request->fake->lock);
        request->in_flight = false;
    }
}

void request_free(struct request *request)
{
    request_leave(request);
    free(request->query);
    free(request->path);
    free(request->split);
    buf_done(&request->body);
    free(request);
}
