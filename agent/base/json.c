#include "base/json.h"

#include <cjson/cJSON.h>

#include "base/limits.h"
#include "base/secret.h"

static const double largest_whole = 9007199254740992.0; /* 2^53: beyond it doubles skip numbers */

/* A first pass over the bytes that finds what the parser would swallow, recurse into or cut. */
struct scan {
    size_t depth;
    bool in_string;
    bool escaped;
};

static bool scan_string(struct scan *scan, struct str rest, struct error *err)
{
    char c = rest.bytes[0];
    if (scan->escaped) {
        scan->escaped = false;
        if (c == 'u' && str_starts(str_slice(rest, 1, 5), "0000")) {
            return error_set(err, ERROR_PROTOCOL, "a string in the answer holds NUL");
        }
    } else if (c == '\\') {
        scan->escaped = true;
    } else if (c == '"') {
        scan->in_string = false;
    }
    return true;
}

static bool scan_structure(struct scan *scan, char c, struct error *err)
{
    if (c == '"') {
        scan->in_string = true;
    } else if (c == '[' || c == '{') {
        scan->depth++;
    } else if ((c == ']' || c == '}') && scan->depth > 0) {
        scan->depth--;
    }
    if (scan->depth > LIMIT_JSON_DEPTH) {
        return error_set(err, ERROR_PROTOCOL, "JSON nested deeper than %d levels",
                         LIMIT_JSON_DEPTH);
    }
    return true;
}

static bool check(struct str text, struct error *err)
{
    struct scan scan = {0};
    for (size_t at = 0; at < text.size; at++) {
        struct str rest = str_slice(text, at, text.size);
        if (text.bytes[at] == '\0') {
            return error_set(err, ERROR_PROTOCOL, "not JSON: NUL at byte %zu", at);
        }
        if (scan.in_string ? !scan_string(&scan, rest, err)
                           : !scan_structure(&scan, text.bytes[at], err)) {
            return false;
        }
    }
    return true;
}

static void use_wiping_memory(void)
{
    cJSON_Hooks hooks = {.malloc_fn = secret_alloc, .free_fn = secret_release};
    cJSON_InitHooks(&hooks);
}

bool json_parse(struct str text, struct cJSON **ret_json, struct error *err)
{
    const char *end = NULL;
    if (str_trim(text).size == 0) {
        return error_set(err, ERROR_PROTOCOL, "the answer is empty");
    }
    if (!check(text, err)) {
        return false;
    }
    use_wiping_memory();
    cJSON *json = cJSON_ParseWithLengthOpts(text.bytes, text.size, &end, false);
    if (!json) {
        return error_set(err, ERROR_PROTOCOL, "not JSON, or cut off, at byte %zu of %zu",
                         end ? (size_t)(end - text.bytes) : 0, text.size);
    }
    size_t used = (size_t)(end - text.bytes);
    if (str_trim(str_slice(text, used, text.size)).size > 0) {
        cJSON_Delete(json);
        return error_set(err, ERROR_PROTOCOL, "not JSON: text after the value, at byte %zu", used);
    }
    *ret_json = json;
    return true;
}

void json_free(struct cJSON *json)
{
    cJSON_Delete(json);
}

bool json_is_array(const struct cJSON *json)
{
    return cJSON_IsArray(json);
}

bool json_is_object(const struct cJSON *json)
{
    return cJSON_IsObject(json);
}

const struct cJSON *json_first(const struct cJSON *json)
{
    return json ? json->child : NULL;
}

const struct cJSON *json_next(const struct cJSON *json)
{
    return json->next;
}

const struct cJSON *json_member(const struct cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

struct str json_text(const struct cJSON *object, const char *name)
{
    const cJSON *member = json_member(object, name);
    return cJSON_IsString(member) ? str_from(member->valuestring) : (struct str){0};
}

bool json_flag(const struct cJSON *object, const char *name)
{
    return cJSON_IsTrue(json_member(object, name));
}

bool json_number(const struct cJSON *object, const char *name, uint64_t *ret_number)
{
    const cJSON *member = json_member(object, name);
    if (!cJSON_IsNumber(member) || !(member->valuedouble >= 0) ||
        member->valuedouble > largest_whole) {
        return false;
    }
    *ret_number = (uint64_t)member->valuedouble;
    return true;
}

const char *json_library_version(void)
{
    return cJSON_Version();
}
