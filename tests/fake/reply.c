#include "reply.h"

#include "base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_body(struct reply *reply, unsigned status, const char *type, char *body, size_t n)
{
    free(reply->body);
    reply->status = status;
    reply->type = type;
    reply->body = body;
    reply->length = n;
}

void reply_done(struct reply *reply)
{
    for (size_t i = 0; i < reply->n_headers; i++) {
        free(reply->headers[i].name);
        free(reply->headers[i].value);
    }
    free(reply->body);
    *reply = (struct reply){0};
}

void reply_header(struct reply *reply, const char *name, const char *value)
{
    if (reply->n_headers < REPLY_HEADERS_MAX) {
        reply->headers[reply->n_headers].name = mem_text(name);
        reply->headers[reply->n_headers].value = mem_text(value);
        reply->n_headers++;
    }
}

void reply_json(struct reply *reply, unsigned status, cJSON *json)
{
    char *body = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    set_body(reply, status, "application/json", body, strlen(body));
}

void reply_error(struct reply *reply, unsigned status, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "status", status);
    cJSON_AddStringToObject(json, "message", message);
    reply_json(reply, status, json);
}

void reply_bytes(struct reply *reply, unsigned status, const char *type, const void *data, size_t n)
{
    set_body(reply, status, type, mem_text_n(data, n), n);
}
