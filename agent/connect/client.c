#include "connect/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "connect/backoff.h"
#include "connect/status.h"
#include "connect/transport.h"
#include "io/timer.h"

struct request {
    struct request *next;
    struct client *client;
    enum client_endpoint endpoint;
    char *path;
    struct client_owner owner;
    struct transport_call *call; /* null while it waits */
    unsigned tries;
    uint64_t first_ms;      /* of its first try */
    uint64_t started_ms;    /* of the try in flight */
    uint64_t not_before_ms; /* of the next try */
    struct error *last;     /* owned; of the last failed try */
};

struct client {
    struct loop *loop;
    const struct client_observer *observer;
    struct transport *transport;
    const struct secret *token;
    struct timer timer;
    struct request *first; /* in the order they were asked for */
    struct request **last;
    size_t in_flight;
    unsigned failures;      /* waves in a row; 0: the server is well */
    uint64_t failed_ms;     /* when the last wave began */
    uint64_t not_before_ms; /* while the server is down: the next probe */
    uint64_t deadline_ms;
    bool impatient;
};

/* How long a refusal may be a hiccup, by kind (design.md: 5 tries over 30 s; connect-api.md on 404:
 * new items lag). */
struct patience {
    unsigned tries;
    uint64_t ms;
};

static struct patience patience_for(enum error_code code)
{
    return code == ERROR_GONE ? (struct patience){3, 3000} : (struct patience){5, 30000};
}

static void pump(struct client *client);

static uint64_t now_ms(const struct client *client)
{
    return clock_now_ms(client->loop->clock);
}

static void unlink_request(struct request *request)
{
    struct client *client = request->client;
    struct request **at = &client->first;
    while (*at != request) {
        at = &(*at)->next;
    }
    *at = request->next;
    if (client->last == &request->next) {
        client->last = at;
    }
}

static void append_request(struct request *request)
{
    request->next = NULL;
    *request->client->last = request;
    request->client->last = &request->next;
}

static void request_free(struct request *request)
{
    if (request->call) {
        transport_cancel(request->call);
        request->client->in_flight--;
    }
    free(request->last);
    free(request->path);
    free(request);
}

/* Takes the request off the list before its owner hears of it: the owner may cancel all. */
static void fail(struct request *request, const struct error *error)
{
    unlink_request(request);
    request->owner.fail(request->owner.context, error);
    request_free(request);
}

static bool is_final(const struct request *request, const struct error *error)
{
    uint64_t elapsed = now_ms(request->client) - request->first_ms;
    struct patience patience = patience_for(error->code);
    switch (error_describe(error->code)->retry) {
    case ERROR_RETRY_NEVER:
        return true;
    case ERROR_RETRY_SOFT:
        return request->client->impatient ||
               (request->tries >= patience.tries && elapsed >= patience.ms);
    case ERROR_RETRY_TRANSIENT:
        return false;
    }
    return true;
}

/* Whether the failure says something about the whole server, or token, rather than about one vault
 * or item. */
static bool concerns_server(const struct error *error)
{
    return error->code != ERROR_FORBIDDEN && error->code != ERROR_GONE &&
           error->code != ERROR_REQUEST;
}

static uint64_t delay_after(struct request *request, const struct error *error,
                            uint64_t retry_after_ms)
{
    struct client *client = request->client;
    unsigned failures = request->tries;
    if (concerns_server(error)) {
        /* Tries that were under way together fail together: that is one wave. */
        if (client->failures == 0 || request->started_ms >= client->failed_ms) {
            client->failures++;
            client->failed_ms = now_ms(client);
        }
        failures = client->failures;
    }
    uint64_t delay = backoff_delay_ms(failures, random_number());
    return delay > retry_after_ms ? delay : retry_after_ms;
}

static void remember(struct request *request, const struct error *error)
{
    if (!request->last) {
        request->last = malloc(sizeof(*request->last));
    }
    if (request->last) {
        *request->last = *error;
    }
}

/* The request goes to the end of the queue, so that one that always fails does not starve others.
 */
static void try_again(struct request *request, const struct error *error, uint64_t retry_after_ms)
{
    struct client *client = request->client;
    uint64_t delay = delay_after(request, error, retry_after_ms);
    request->not_before_ms = now_ms(client) + delay;
    if (concerns_server(error) && request->not_before_ms > client->not_before_ms) {
        client->not_before_ms = request->not_before_ms;
    }
    remember(request, error);
    unlink_request(request);
    append_request(request);
    client->observer->failing(client->observer->context, request->endpoint, error, request->tries,
                              delay);
}

static void on_failure(struct request *request, const struct error *error, uint64_t retry_after_ms)
{
    if (is_final(request, error)) {
        fail(request, error);
    } else {
        try_again(request, error, retry_after_ms);
    }
}

static void on_success(struct request *request, const struct transport_answer *answer)
{
    struct client *client = request->client;
    struct error wrong;
    unlink_request(request); /* as in fail() */
    bool taken = request->owner.take(request->owner.context, answer->body, &wrong);
    if (!taken) {
        append_request(request);
        on_failure(request, &wrong, 0);
        return;
    }
    unsigned failures =
        client->failures > request->tries - 1 ? client->failures : request->tries - 1;
    request_free(request);
    client->failures = 0;
    client->not_before_ms = 0;
    if (failures > 0) {
        client->observer->recovered(client->observer->context, failures);
    }
}

static void on_answer(void *context, const struct transport_answer *answer,
                      const struct error *error)
{
    struct request *request = context;
    struct client *client = request->client;
    struct error wrong;
    request->call = NULL;
    client->in_flight--;
    client->observer->answered(client->observer->context, request->endpoint, request->path,
                               answer ? answer->status : 0, now_ms(client) - request->started_ms,
                               answer ? secret_size(answer->body) : 0);
    if (!answer) {
        on_failure(request, error, 0);
    } else if (!status_check(request->endpoint, answer, &wrong)) {
        on_failure(request, &wrong, answer->retry_after_ms);
    } else {
        on_success(request, answer);
    }
    pump(client);
}

static bool start(struct request *request, struct error *err)
{
    static const size_t limits[CLIENT_ENDPOINTS] = {
        [CLIENT_VAULTS] = LIMIT_JSON_BODY, [CLIENT_VAULT] = LIMIT_JSON_BODY,
        [CLIENT_ITEMS] = LIMIT_JSON_BODY,  [CLIENT_ITEM] = LIMIT_JSON_BODY,
        [CLIENT_FILE] = LIMIT_ATTACHMENT,
    };
    struct client *client = request->client;
    struct transport_done done = {on_answer, request};
    request->started_ms = now_ms(client);
    if (request->tries++ == 0) {
        request->first_ms = request->started_ms;
    }
    const struct transport_request wanted = {.method = "GET",
                                             .path = request->path,
                                             .token = client->token,
                                             .limit = limits[request->endpoint]};
    if (!transport_send(client->transport, &wanted, done, &request->call, err)) {
        return false;
    }
    client->in_flight++;
    return true;
}

/* Out of time: every request fails, with what was last wrong with it. */
static void give_up(struct client *client)
{
    while (client->first) {
        struct request *request = client->first;
        struct error late;
        if (request->last) {
            late = *request->last;
        } else {
            error_set(&late, ERROR_UNREACHABLE, "no answer from Connect before the time was up");
        }
        fail(request, &late);
    }
}

/* The first request that may go now. When there is none, *wake_ms becomes the earliest time at
 * which one may. */
static struct request *next_request(struct client *client, uint64_t now, uint64_t *wake_ms)
{
    size_t most = client->failures > 0 ? 1 : LIMIT_IN_FLIGHT;
    if (client->in_flight >= most) {
        return NULL;
    }
    for (struct request *request = client->first; request; request = request->next) {
        uint64_t due = request->not_before_ms > client->not_before_ms ? request->not_before_ms
                                                                      : client->not_before_ms;
        if (request->call) {
            continue;
        }
        if (due <= now) {
            return request;
        }
        *wake_ms = due < *wake_ms ? due : *wake_ms;
    }
    return NULL;
}

/* Starts what may start and sets the timer for what may not yet. */
static void pump(struct client *client)
{
    struct request *request;
    struct error error;
    uint64_t now = now_ms(client);
    uint64_t wake = client->deadline_ms;
    if (now >= client->deadline_ms) {
        give_up(client);
        return;
    }
    while ((request = next_request(client, now, &wake))) {
        if (!start(request, &error)) {
            fail(request, &error);
        }
    }
    if (client->first && wake != UINT64_MAX) {
        timer_set(&client->timer, wake - now);
    } else {
        timer_stop(&client->timer);
    }
}

static void on_timer(void *context)
{
    pump(context);
}

bool client_new(struct loop *loop, const struct settings *settings,
                const struct client_observer *observer, struct client **ret_client,
                struct error *err)
{
    struct client *client = calloc(1, sizeof(*client));
    if (!client) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *client = (struct client){
        .loop = loop, .observer = observer, .deadline_ms = UINT64_MAX, .last = &client->first};
    if (!transport_new(loop, settings, &client->transport, err)) {
        free(client);
        return false;
    }
    if (!timer_init(&client->timer, loop, on_timer, client, err)) {
        transport_free(client->transport);
        free(client);
        return false;
    }
    *ret_client = client;
    return true;
}

void client_free(struct client *client)
{
    if (client) {
        client_cancel(client);
        timer_done(&client->timer);
        transport_free(client->transport);
        free(client);
    }
}

void client_set_token(struct client *client, const struct secret *token)
{
    client->token = token;
    client->not_before_ms = 0;
    for (struct request *request = client->first; request; request = request->next) {
        request->not_before_ms = 0;
    }
}

void client_set_patience(struct client *client, bool patient)
{
    client->impatient = !patient;
}

void client_set_deadline(struct client *client, uint64_t deadline_ms)
{
    client->deadline_ms = deadline_ms;
}

bool client_get(struct client *client, enum client_endpoint endpoint, const char *path,
                struct client_owner owner, struct error *err)
{
    struct request *request = calloc(1, sizeof(*request));
    char *copy = strdup(path);
    if (!request || !copy) {
        free(request);
        free(copy);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *request =
        (struct request){.client = client, .endpoint = endpoint, .path = copy, .owner = owner};
    append_request(request);
    timer_set(&client->timer, 0); /* callers may be inside a callback */
    return true;
}

void client_cancel(struct client *client)
{
    while (client->first) {
        struct request *request = client->first;
        unlink_request(request);
        request_free(request);
    }
}

const char *client_endpoint_name(enum client_endpoint endpoint)
{
    static const char *const names[CLIENT_ENDPOINTS] = {
        [CLIENT_VAULTS] = "vaults", [CLIENT_VAULT] = "vault", [CLIENT_ITEMS] = "items",
        [CLIENT_ITEM] = "item",     [CLIENT_FILE] = "file",
    };
    return names[endpoint];
}
