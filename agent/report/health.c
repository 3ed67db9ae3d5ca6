#include "report/health.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *word;
    const char *path;
} questions[HEALTH_QUESTIONS] = {
    [HEALTH_LIVE] = {"live", "/livez"},
    [HEALTH_STARTUP] = {"startup", "/startupz"},
    [HEALTH_READY] = {"ready", "/readyz"},
};

void health_carry(struct health *health, uint64_t now_ms)
{
    health->carried = true;
    health->success_ms = now_ms;
}

void health_succeeded(struct health *health, uint64_t now_ms)
{
    health->published = true;
    health->success_ms = now_ms;
    health->trouble.code = ERROR_NONE;
}

void health_failed(struct health *health, const struct error *error)
{
    health->trouble = *error;
}

void health_recovered(struct health *health)
{
    health->trouble.code = ERROR_NONE;
}

static bool is_stale(const struct health *health, uint64_t now_ms)
{
    return health->max_stale_ms > 0 && now_ms - health->success_ms > health->max_stale_ms;
}

/* Two are written whole, and cut together if need be. */
static void say(char line[HEALTH_LINE], const char *text, const struct error *reason)
{
    bool any = reason->code != ERROR_NONE;
    snprintf(line, HEALTH_LINE, "%s%s%.*s", text, any ? ": " : "", any ? HEALTH_LINE - 128 : 0,
             any ? reason->message : "");
}

static bool say_published(const struct health *health, char line[HEALTH_LINE])
{
    const struct error *trouble = &health->trouble;
    if (!health->published) {
        say(line, "published before this start, and nothing since", trouble);
    } else if (trouble->code != ERROR_NONE) {
        say(line, "published; the last refresh failed", trouble);
    } else if (health->template.code != ERROR_NONE) {
        say(line, "published; the new template is wrong and an older one in force",
            &health->template);
    } else {
        say(line, "published", trouble);
    }
    return true;
}

bool health_ask(const struct health *health, enum health_question question, uint64_t now_ms,
                char line[HEALTH_LINE])
{
    if (question == HEALTH_LIVE) {
        snprintf(line, HEALTH_LINE, "alive");
        return true;
    }
    if (!health->published && !health->carried) {
        say(line, "nothing published yet", &health->trouble);
        return false;
    }
    if (question == HEALTH_READY && is_stale(health, now_ms)) {
        char text[96];
        snprintf(text, sizeof(text), "stale: no refresh went through for %llu s",
                 (unsigned long long)((now_ms - health->success_ms) / 1000));
        say(line, text, &health->trouble);
        return false;
    }
    return say_published(health, line);
}

bool health_find(const char *word, enum health_question *ret_question)
{
    for (int i = 0; i < HEALTH_QUESTIONS; i++) {
        if (strcmp(word, questions[i].word) == 0) {
            *ret_question = (enum health_question)i;
            return true;
        }
    }
    return false;
}

const char *health_path(enum health_question question)
{
    return questions[question].path;
}
