#include "fault.h"

#include "base.h"
#include "members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LATENCY_MAX_MS 3600000

struct rule {
    unsigned id;
    cJSON *json;
    int64_t after;
    int64_t times; /* -1: for ever */
    int64_t seen;
    int64_t applied;
};

struct faults {
    struct rule list[FAULT_RULES_MAX];
    size_t n;
    unsigned last_id;
};

/* The one key that says the kind; a number is from 0 to limit, and 0 means true is wanted. */
static const struct {
    const char *name;
    enum fault_kind kind;
    int64_t limit;
} kinds[] = {
    {"status", FAULT_STATUS, 599},
    {"reset", FAULT_RESET, 0},
    {"close", FAULT_CLOSE, 0},
    {"truncate", FAULT_TRUNCATE, FAULT_SIZE_MAX},
    {"garbage", FAULT_GARBAGE, 0},
    {"html", FAULT_HTML, 0},
    {"empty", FAULT_EMPTY, 0},
    {"size", FAULT_SIZE, FAULT_SIZE_MAX},
    {"depth", FAULT_DEPTH, FAULT_SIZE_MAX / 2},
    {"drip_bytes", FAULT_DRIP, 65536},
    {"hang", FAULT_HANG, 0},
    {"not_synced", FAULT_NOT_SYNCED, 0},
    {"replace", FAULT_REPLACE, -1},
};

static const char fault_keys[] =
    "latency_ms status body content_type headers reset close truncate garbage html empty size "
    "depth drip_ms drip_bytes hang not_synced no_keepalive chunked replace";

struct faults *faults_new(void)
{
    return mem_new(1, sizeof(struct faults));
}

void faults_clear(struct faults *faults)
{
    for (size_t i = 0; i < faults->n; i++) {
        cJSON_Delete(faults->list[i].json);
    }
    faults->n = 0;
}

void faults_free(struct faults *faults)
{
    if (faults != NULL) {
        faults_clear(faults);
        free(faults);
    }
}

/* Reads the kind into the fault: NULL, or what is wrong. */
static const char *read_kind(const cJSON *json, struct fault *fault)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(json, kinds[i].name);
        if (member == NULL) {
            continue;
        }
        if (fault->kind != FAULT_NONE) {
            return "a fault has one kind";
        }
        fault->kind = kinds[i].kind;
        fault->number =
            kinds[i].limit > 0 ? members_number(json, kinds[i].name, kinds[i].limit) : 0;
        if (fault->number < 0 || (kinds[i].limit == 0 && !cJSON_IsTrue(member))) {
            return kinds[i].name;
        }
    }
    return NULL;
}

/* NULL, or what is wrong. */
static const char *read_fault(const cJSON *json, struct fault *fault)
{
    if (!cJSON_IsObject(json) || json->child == NULL || !members_only(json, fault_keys)) {
        return "fault: an object with known keys is wanted";
    }
    const char *wrong = read_kind(json, fault);
    if (wrong != NULL) {
        return wrong;
    }
    bool latency = cJSON_HasObjectItem(json, "latency_ms");
    fault->latency_ms = latency ? members_number(json, "latency_ms", LATENCY_MAX_MS) : 0;
    fault->drip_ms =
        fault->kind == FAULT_DRIP ? members_number(json, "drip_ms", LATENCY_MAX_MS) : 0;
    if (fault->latency_ms < 0 || fault->drip_ms < 0) {
        return "latency_ms and drip_ms are milliseconds; drip_bytes needs drip_ms";
    }
    if ((fault->kind == FAULT_STATUS && fault->number < 200) ||
        (fault->kind == FAULT_DRIP && fault->number < 1)) {
        return "status is from 200 to 599, drip_bytes from 1 to 65536";
    }
    fault->no_keepalive = members_true(json, "no_keepalive");
    fault->chunked = members_true(json, "chunked");
    return NULL;
}

/* NULL, or what is wrong. */
static const char *check_match(const cJSON *match)
{
    const cJSON *member = NULL;
    if (match != NULL &&
        (!cJSON_IsObject(match) || !members_only(match, "method endpoint path token"))) {
        return "match: an object with method, endpoint, path, token is wanted";
    }
    cJSON_ArrayForEach(member, match)
    {
        if (!cJSON_IsString(member)) {
            return "match: texts are wanted";
        }
    }
    const char *endpoint = members_text(match, "endpoint");
    for (int i = 0; endpoint != NULL && i < ENDPOINT_COUNT; i++) {
        if (strcmp(endpoint_name((enum endpoint)i), endpoint) == 0) {
            return NULL;
        }
    }
    return endpoint == NULL ? NULL : "match: unknown endpoint";
}

static const char *check_rule(const cJSON *json, struct rule *rule)
{
    struct fault fault = {0};
    if (!cJSON_IsObject(json) || !members_only(json, "match after times fault")) {
        return "a JSON object with match, after, times, fault is wanted";
    }
    const char *wrong = check_match(cJSON_GetObjectItemCaseSensitive(json, "match"));
    if (wrong == NULL) {
        wrong = read_fault(cJSON_GetObjectItemCaseSensitive(json, "fault"), &fault);
    }
    bool has_after = cJSON_HasObjectItem(json, "after");
    bool has_times = cJSON_HasObjectItem(json, "times");
    rule->after = has_after ? members_number(json, "after", INT32_MAX) : 0;
    rule->times = has_times ? members_number(json, "times", INT32_MAX) : -1;
    if (rule->after < 0 || (has_times && rule->times < 0)) {
        return "after and times are whole numbers";
    }
    return wrong;
}

unsigned faults_add(struct faults *faults, const cJSON *rule, char error[256])
{
    struct rule added = {0};
    const char *wrong = check_rule(rule, &added);
    if (wrong == NULL && faults->n == FAULT_RULES_MAX) {
        wrong = "too many rules";
    }
    if (wrong != NULL) {
        snprintf(error, 256, "Invalid fault: %s", wrong);
        return 0;
    }
    added.id = ++faults->last_id;
    added.json = cJSON_Duplicate(rule, true);
    faults->list[faults->n++] = added;
    return added.id;
}

bool faults_remove(struct faults *faults, unsigned id)
{
    for (size_t i = 0; i < faults->n; i++) {
        if (faults->list[i].id == id) {
            cJSON_Delete(faults->list[i].json);
            faults->n--;
            memmove(&faults->list[i], &faults->list[i + 1], (faults->n - i) * sizeof *faults->list);
            return true;
        }
    }
    return false;
}

cJSON *faults_list(const struct faults *faults)
{
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < faults->n; i++) {
        const struct rule *rule = &faults->list[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddNumberToObject(object, "id", rule->id);
        cJSON_AddNumberToObject(object, "seen", (double)rule->seen);
        cJSON_AddNumberToObject(object, "applied", (double)rule->applied);
        cJSON_AddItemToObject(object, "rule", cJSON_Duplicate(rule->json, true));
        cJSON_AddItemToArray(array, object);
    }
    return array;
}

static bool is_match(const cJSON *match, const char *method, enum endpoint endpoint,
                     const char *path, const char *token)
{
    const char *want = members_text(match, "path");
    if (want != NULL && strncmp(path, want, strlen(want)) != 0) {
        return false;
    }
    const char *const pairs[][2] = {
        {members_text(match, "method"), method},
        {members_text(match, "endpoint"), endpoint_name(endpoint)},
        {members_text(match, "token"), token},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i][0] != NULL && strcmp(pairs[i][0], pairs[i][1]) != 0) {
            return false;
        }
    }
    return true;
}

static struct fault make_fault(const struct rule *rule)
{
    struct fault fault = {.id = rule->id};
    const cJSON *json = cJSON_GetObjectItemCaseSensitive(rule->json, "fault");
    read_fault(json, &fault);
    fault.rule = cJSON_Duplicate(json, true);
    size_t n = 0;
    const cJSON *member = NULL;
    cJSON_ArrayForEach(member, json)
    {
        n += (size_t)snprintf(fault.names + n, sizeof fault.names - n, "%s%s", n > 0 ? "," : "",
                              member->string);
        if (n >= sizeof fault.names) {
            break;
        }
    }
    return fault;
}

struct fault faults_match(struct faults *faults, const char *method, enum endpoint endpoint,
                          const char *path, const char *token)
{
    for (size_t i = 0; i < faults->n; i++) {
        struct rule *rule = &faults->list[i];
        const cJSON *match = cJSON_GetObjectItemCaseSensitive(rule->json, "match");
        if (!is_match(match, method, endpoint, path, token)) {
            continue;
        }
        rule->seen++;
        if (rule->seen > rule->after && (rule->times < 0 || rule->applied < rule->times)) {
            rule->applied++;
            return make_fault(rule);
        }
    }
    return (struct fault){0};
}

void fault_done(struct fault *fault)
{
    cJSON_Delete(fault->rule);
    fault->rule = NULL;
}
