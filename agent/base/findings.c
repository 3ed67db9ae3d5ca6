#include "base/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void findings_init(struct findings *findings)
{
    *findings = (struct findings){0};
}

void findings_done(struct findings *findings)
{
    free(findings->list);
    findings_init(findings);
}

bool findings_add(struct findings *findings, struct place place, const struct error *error)
{
    if (!findings->list) {
        findings->list = calloc(LIMIT_FINDINGS, sizeof(*findings->list));
    }
    if (!findings->list || findings->count == LIMIT_FINDINGS) {
        findings->dropped++;
        return false;
    }
    findings->list[findings->count++] = (struct finding){place, *error, false};
    return false;
}

bool findings_hide(struct findings *findings, struct place place, const struct error *error)
{
    size_t before = findings->count;
    findings_add(findings, place, error);
    if (findings->count > before) {
        findings->list[before].hidden = true;
    }
    return false;
}

bool findings_format(struct findings *findings, struct place place, enum error_code code,
                     const char *format, ...)
{
    char text[LIMIT_MESSAGE];
    struct error error;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    error_set(&error, code, "%s", text);
    return findings_add(findings, place, &error);
}

static int compare(const void *a, const void *b)
{
    const struct place *left = &((const struct finding *)a)->place;
    const struct place *right = &((const struct finding *)b)->place;
    int order = (left->file != NULL) - (right->file != NULL);
    if (order == 0 && left->file && left->file != right->file) {
        order = strcmp(left->file, right->file);
    }
    if (order == 0) {
        order = (left->line > right->line) - (left->line < right->line);
    }
    return order ? order : (left->column > right->column) - (left->column < right->column);
}

void findings_sort(struct findings *findings)
{
    if (findings->count > 1) {
        qsort(findings->list, findings->count, sizeof(*findings->list), compare);
    }
}

void finding_print(const struct finding *finding, char *out, size_t size)
{
    const struct place *place = &finding->place;
    if (!place->file) {
        snprintf(out, size, "%s", finding->error.message);
    } else if (place->line == 0) {
        snprintf(out, size, "%s: %s", place->file, finding->error.message);
    } else {
        snprintf(out, size, "%s:%u:%u: %s", place->file, place->line, place->column,
                 finding->error.message);
    }
}
