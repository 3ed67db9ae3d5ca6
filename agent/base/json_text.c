#include "base/json_text.h"

enum { LIMIT_JSON_TEXT = 4 << 20, PIECE = 2 * LIMIT_MESSAGE };

void json_text_init(struct json_text *json)
{
    *json = (struct json_text){.empty = true};
    buf_init(&json->buf, LIMIT_JSON_TEXT);
}

void json_text_done(struct json_text *json)
{
    buf_done(&json->buf);
}

static void put(struct json_text *json, struct str text)
{
    if (json->error.code == ERROR_NONE) {
        (void)buf_append(&json->buf, text, &json->error);
    }
}

static void newline(struct json_text *json)
{
    put(json, str_from("\n"));
    for (unsigned i = 0; i < json->depth; i++) {
        put(json, str_from("  "));
    }
}

/* What stands before a value or a key. */
static void begin(struct json_text *json)
{
    if (json->keyed) {
        json->keyed = false;
        return;
    }
    if (!json->empty) {
        put(json, str_from(","));
    }
    if (json->depth > 0) {
        newline(json);
    }
    json->empty = false;
}

void json_text_open(struct json_text *json, char bracket)
{
    begin(json);
    put(json, (struct str){&bracket, 1});
    json->depth++;
    json->empty = true;
}

void json_text_close(struct json_text *json, char bracket)
{
    bool empty = json->empty;
    json->depth--;
    if (!empty) {
        newline(json);
    }
    put(json, (struct str){&bracket, 1});
    json->empty = false;
}

static void quote(struct json_text *json, const char *text)
{
    char shown[PIECE];
    str_print(str_from(text), shown, sizeof(shown));
    put(json, str_from("\""));
    for (const char *at = shown; *at; at++) {
        if (*at == '"' || *at == '\\') {
            put(json, str_from("\\"));
        }
        put(json, (struct str){at, 1});
    }
    put(json, str_from("\""));
}

void json_text_key(struct json_text *json, const char *key)
{
    begin(json);
    quote(json, key);
    put(json, str_from(": "));
    json->keyed = true;
}

void json_text_string(struct json_text *json, const char *text)
{
    begin(json);
    if (text) {
        quote(json, text);
    } else {
        put(json, str_from("null"));
    }
}

void json_text_number(struct json_text *json, int64_t number)
{
    begin(json);
    if (json->error.code == ERROR_NONE) {
        (void)buf_format(&json->buf, &json->error, "%lld", (long long)number);
    }
}

void json_text_boolean(struct json_text *json, bool boolean)
{
    begin(json);
    put(json, str_from(boolean ? "true" : "false"));
}

void json_text_member(struct json_text *json, const char *key, const char *text)
{
    json_text_key(json, key);
    json_text_string(json, text);
}

bool json_text_end(struct json_text *json, struct str *ret_text, struct error *err)
{
    put(json, str_from("\n"));
    if (json->error.code != ERROR_NONE) {
        *err = json->error;
        return false;
    }
    *ret_text = buf_str(&json->buf);
    return true;
}
