#include "log.h"

#include "base.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct log {
    struct log_entry *ring;
    uint64_t added; /* since the reset; the last is at (added - 1) % LOG_RING_SIZE */
    uint64_t sequence;
    uint64_t total;
    uint64_t by_endpoint[ENDPOINT_COUNT];
    uint64_t by_status[1000];
    uint64_t connections;
    unsigned in_flight;
    unsigned max_in_flight;
    unsigned epoch;
    int fd;
};

static const char *const endpoint_names[ENDPOINT_COUNT] = {
    "vaults", "vault", "items", "item", "files", "file", "health", "other",
};

const char *endpoint_name(enum endpoint endpoint)
{
    return endpoint_names[endpoint];
}

struct log *log_new(const char *path)
{
    int fd = -1;
    if (path != NULL) {
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0) {
            return NULL;
        }
    }
    struct log *log = mem_new(1, sizeof *log);
    log->ring = mem_new(LOG_RING_SIZE, sizeof *log->ring);
    log->fd = fd;
    log->epoch = 1;
    return log;
}

void log_free(struct log *log)
{
    if (log == NULL) {
        return;
    }
    if (log->fd >= 0) {
        close(log->fd);
    }
    free(log->ring);
    free(log);
}

void log_count_arrival(struct log *log, enum endpoint endpoint)
{
    log->total++;
    log->by_endpoint[endpoint]++;
}

void log_count_connection(struct log *log)
{
    log->connections++;
}

unsigned log_begin(struct log *log)
{
    log->in_flight++;
    if (log->in_flight > log->max_in_flight) {
        log->max_in_flight = log->in_flight;
    }
    return log->in_flight;
}

void log_end(struct log *log)
{
    log->in_flight--;
}

static void add_text(cJSON *object, const char *name, const char *text)
{
    if (text[0] != '\0') {
        cJSON_AddStringToObject(object, name, text);
    } else {
        cJSON_AddNullToObject(object, name);
    }
}

static cJSON *entry_json(const struct log_entry *entry)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "sequence", (double)entry->sequence);
    cJSON_AddNumberToObject(object, "monotonic_ms", (double)entry->monotonic_ms);
    cJSON_AddStringToObject(object, "method", entry->method);
    cJSON_AddStringToObject(object, "path", entry->path);
    add_text(object, "query", entry->query);
    cJSON_AddStringToObject(object, "endpoint", endpoint_names[entry->endpoint]);
    cJSON_AddNumberToObject(object, "status", entry->status);
    add_text(object, "token", entry->token);
    add_text(object, "vault", entry->vault);
    add_text(object, "item", entry->item);
    cJSON_AddNumberToObject(object, "bytes", (double)entry->bytes);
    add_text(object, "fault", entry->fault);
    cJSON_AddNumberToObject(object, "fault_id", entry->fault_id);
    add_text(object, "user_agent", entry->user_agent);
    cJSON_AddNumberToObject(object, "connection", (double)entry->connection);
    cJSON_AddNumberToObject(object, "in_flight", entry->in_flight);
    return object;
}

static void write_line(const struct log *log, const struct log_entry *entry)
{
    cJSON *object = entry_json(entry);
    char *json = cJSON_PrintUnformatted(object);
    char *line = mem_print("%s\n", json);
    if (write(log->fd, line, strlen(line)) < 0) {
        perror("fake-connect: the log");
    }
    free(line);
    free(json);
    cJSON_Delete(object);
}

void log_add(struct log *log, const struct log_entry *entry)
{
    struct log_entry *kept = &log->ring[log->added % LOG_RING_SIZE];
    *kept = *entry;
    kept->sequence = ++log->sequence;
    log->added++;
    if (entry->status < 1000) {
        log->by_status[entry->status]++;
    }
    if (log->fd >= 0) {
        write_line(log, kept);
    }
}

void log_reset(struct log *log)
{
    log->added = 0;
    log->total = 0;
    log->connections = 0;
    log->max_in_flight = log->in_flight;
    log->epoch++;
    memset(log->by_endpoint, 0, sizeof log->by_endpoint);
    memset(log->by_status, 0, sizeof log->by_status);
}

unsigned log_epoch(const struct log *log)
{
    return log->epoch;
}

int64_t log_counter(const struct log *log, const char *name)
{
    for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
        if (strcmp(endpoint_names[i], name) == 0) {
            return (int64_t)log->by_endpoint[i];
        }
    }
    if (strcmp(name, "total") == 0) {
        return (int64_t)log->total;
    }
    if (strcmp(name, "in_flight") == 0) {
        return log->in_flight;
    }
    if (strcmp(name, "max_in_flight") == 0) {
        return log->max_in_flight;
    }
    if (strcmp(name, "answered") == 0) {
        return (int64_t)log->added;
    }
    return strcmp(name, "connections") == 0 ? (int64_t)log->connections : -1;
}

cJSON *log_counters(const struct log *log)
{
    static const char *const others[] = {"answered", "in_flight", "max_in_flight", "connections"};
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "total", (double)log->total);
    for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
        cJSON_AddNumberToObject(object, endpoint_names[i], (double)log->by_endpoint[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        cJSON_AddNumberToObject(object, others[i], (double)log_counter(log, others[i]));
    }
    cJSON *by_status = cJSON_AddObjectToObject(object, "by_status");
    for (unsigned i = 0; i < 1000; i++) {
        if (log->by_status[i] > 0) {
            char name[12];
            snprintf(name, sizeof name, "%u", i);
            cJSON_AddNumberToObject(by_status, name, (double)log->by_status[i]);
        }
    }
    return object;
}

static const struct log_entry *entry_at(const struct log *log, uint64_t i)
{
    return &log->ring[i % LOG_RING_SIZE];
}

static uint64_t first_kept(const struct log *log)
{
    return log->added > LOG_RING_SIZE ? log->added - LOG_RING_SIZE : 0;
}

cJSON *log_requests(const struct log *log)
{
    cJSON *array = cJSON_CreateArray();
    for (uint64_t i = first_kept(log); i < log->added; i++) {
        cJSON_AddItemToArray(array, entry_json(entry_at(log, i)));
    }
    return array;
}

static const char *action_name(const char *method)
{
    if (strcmp(method, "POST") == 0) {
        return "CREATE";
    }
    if (strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0) {
        return "UPDATE";
    }
    return strcmp(method, "DELETE") == 0 ? "DELETE" : "READ";
}

static void add_reference(cJSON *object, const char *name, const char *id)
{
    if (text_is_id(id)) {
        cJSON_AddStringToObject(cJSON_AddObjectToObject(object, name), "id", id);
    }
}

/* A UUID that depends on the text and number alone. */
static void add_uuid(cJSON *object, const char *name, const char *text, uint64_t number)
{
    uint64_t a = 0xcbf29ce484222325U ^ number;
    for (const char *c = text; *c != '\0'; c++) {
        a = (a ^ (unsigned char)*c) * 0x100000001b3U;
    }
    uint64_t b = (a ^ number) * 0x9e3779b97f4a7c15U;
    char uuid[37];
    snprintf(uuid, sizeof uuid, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(a >> 32),
             (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff), (unsigned)(b >> 52),
             (unsigned long long)(b & 0xffffffffffffU));
    cJSON_AddStringToObject(object, name, uuid);
}

static cJSON *activity_json(const struct log_entry *entry)
{
    char date[RFC3339_SIZE];
    cJSON *object = cJSON_CreateObject();
    add_uuid(object, "requestId", "request", entry->sequence);
    cJSON_AddStringToObject(object, "timestamp", clock_rfc3339(entry->wall_seconds, date));
    cJSON_AddStringToObject(object, "action", action_name(entry->method));
    bool denied = entry->status == 401 || entry->status == 403;
    cJSON_AddStringToObject(object, "result", denied ? "DENY" : "SUCCESS");
    cJSON *actor = cJSON_AddObjectToObject(object, "actor");
    add_uuid(actor, "id", entry->token, 0);
    cJSON_AddStringToObject(actor, "account", "FAKEACCOUNTFAKEACCOUNTFAKE");
    cJSON_AddStringToObject(actor, "jti", entry->jti);
    cJSON_AddStringToObject(actor, "userAgent", entry->user_agent);
    cJSON_AddStringToObject(actor, "requestIp", entry->peer);
    cJSON *resource = cJSON_AddObjectToObject(object, "resource");
    cJSON_AddStringToObject(resource, "type", text_is_id(entry->item) ? "ITEM" : "VAULT");
    add_reference(resource, "vault", entry->vault);
    add_reference(resource, "item", entry->item);
    if (entry->item_version > 0) {
        cJSON_AddNumberToObject(resource, "itemVersion", (double)entry->item_version);
    }
    return object;
}

cJSON *log_activity(const struct log *log, size_t offset, size_t limit, size_t *ret_total)
{
    cJSON *array = cJSON_CreateArray();
    size_t total = 0;
    for (uint64_t i = log->added; i > first_kept(log); i--) {
        const struct log_entry *entry = entry_at(log, i - 1);
        if (entry->jti[0] == '\0' || entry->endpoint == ENDPOINT_OTHER) {
            continue;
        }
        if (total >= offset && total - offset < limit) {
            cJSON_AddItemToArray(array, activity_json(entry));
        }
        total++;
    }
    *ret_total = total;
    return array;
}
