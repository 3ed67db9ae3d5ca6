#include "cmd/report.h"

#include <stdio.h>
#include <string.h>

#include "base/json_text.h"
#include "cmd/caret.h"

const char *report_status(const struct report *report, size_t reference)
{
    static const char *const names[ERROR_CODES] = {
        [ERROR_NOT_FOUND] = "missing",   [ERROR_GONE] = "missing",
        [ERROR_AMBIGUOUS] = "ambiguous", [ERROR_FORBIDDEN] = "no access",
        [ERROR_CONTENT] = "unusable",
    };
    const struct value *value = report->values ? &report->values->list[reference] : NULL;
    if (!value || (!value->bytes && !value->error)) {
        return "unknown";
    }
    if (value->bytes) {
        return "ok";
    }
    const char *name = names[value->error->code];
    return name ? name : "unknown";
}

static bool is_failed(const struct report *report)
{
    const struct findings *findings = report->findings;
    return report->error || !report->loaded->template ||
           (findings && findings->count + findings->dropped > 0);
}

static size_t count_files(const struct template *template)
{
    size_t files = 0;
    for (size_t i = 0; template && i < template->outputs_count; i++) {
        files += template->outputs[i].files_count;
    }
    return files;
}

/* It is missing, and that is all right. */
static bool is_covered(const struct report *report, size_t reference)
{
    return report->values && value_is_missing(&report->values->list[reference]) &&
           !report->required[reference];
}

/* --- for people --- */

static size_t widest(const struct references *references)
{
    size_t width = 0;
    for (size_t i = 0; i < references->count; i++) {
        size_t size = strlen(references->list[i]->text);
        width = size > width && size <= 80 ? size : width;
    }
    return width;
}

static void print_table(const struct report *report)
{
    const struct references *references = &report->loaded->template->references;
    int width = (int)widest(references);
    for (size_t i = 0; i < references->count; i++) {
        const struct value *value = report->values ? &report->values->list[i] : NULL;
        printf("%-*s  %s", width, references->list[i]->text, report_status(report, i));
        if (value && value->bytes) {
            printf("  %zu bytes", secret_size(value->bytes));
        }
        printf("%s\n", is_covered(report, i) ? ", covered by `optional` or `default`" : "");
    }
}

static void print_findings(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        char text[2 * LIMIT_MESSAGE];
        finding_print(&findings->list[i], text, sizeof(text));
        fprintf(stderr, "%s\n", text);
        caret_print(&findings->list[i]);
    }
    if (findings->dropped > 0) {
        fprintf(stderr, "and %zu more\n", findings->dropped);
    }
}

static void print_text(const struct report *report)
{
    const struct template *template = report->loaded->template;
    if (report->online) {
        print_table(report);
    }
    fflush(stdout);
    if (report->findings) {
        print_findings(report->findings);
    }
    if (template && report->error && (!report->findings || report->findings->count == 0)) {
        fprintf(stderr, "%s: %s\n", template->path, report->error->message);
    }
    if (!is_failed(report)) {
        printf("%s: ok: outputs %zu, files %zu, references %zu\n", template->path,
               template->outputs_count, count_files(template), template->references.count);
    }
}

/* --- for CI --- */

static void write_place(struct json_text *json, const struct place *place)
{
    json_text_member(json, "file", place->file);
    json_text_key(json, "line");
    json_text_number(json, place->line);
    json_text_key(json, "column");
    json_text_number(json, place->column);
}

static void write_finding(struct json_text *json, const struct place *place,
                          const struct error *error)
{
    json_text_open(json, '{');
    write_place(json, place);
    json_text_member(json, "error", error_describe(error->code)->label);
    json_text_member(json, "message", error->message);
    json_text_close(json, '}');
}

static void write_findings(struct json_text *json, const struct report *report)
{
    size_t count = report->findings ? report->findings->count : 0;
    json_text_key(json, "findings");
    json_text_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        write_finding(json, &report->findings->list[i].place, &report->findings->list[i].error);
    }
    if (count == 0 && report->error) {
        write_finding(json, &(struct place){.line = 0}, report->error);
    }
    json_text_close(json, ']');
    json_text_key(json, "dropped");
    json_text_number(json, report->findings ? (int64_t)report->findings->dropped : 0);
}

static void write_reference(struct json_text *json, const struct report *report, size_t index)
{
    const struct reference *reference = report->loaded->template->references.list[index];
    const struct value *value = report->values ? &report->values->list[index] : NULL;
    json_text_open(json, '{');
    json_text_member(json, "reference", reference->text);
    write_place(json, &reference->place);
    json_text_member(json, "status", report_status(report, index));
    json_text_key(json, "required");
    json_text_boolean(json, report->required[index]);
    if (value && value->bytes) {
        json_text_key(json, "size");
        json_text_number(json, (int64_t)secret_size(value->bytes));
    } else if (value && value->error) {
        json_text_member(json, "message", value->error->message);
    }
    json_text_close(json, '}');
}

static void write_report(struct json_text *json, const struct report *report)
{
    const struct template *template = report->loaded->template;
    size_t outputs = template ? template->outputs_count : 0;
    json_text_open(json, '{');
    json_text_member(json, "template", template ? template->path : NULL);
    json_text_key(json, "ok");
    json_text_boolean(json, !is_failed(report));
    json_text_key(json, "outputs");
    json_text_number(json, (int64_t)outputs);
    json_text_key(json, "files");
    json_text_number(json, (int64_t)count_files(template));
    write_findings(json, report);
    if (report->online && template) {
        json_text_key(json, "references");
        json_text_open(json, '[');
        for (size_t i = 0; i < template->references.count; i++) {
            write_reference(json, report, i);
        }
        json_text_close(json, ']');
    }
    json_text_close(json, '}');
}

void report_print(const struct report *report, bool json)
{
    struct json_text text;
    struct error error;
    struct str whole;
    if (!json) {
        print_text(report);
        return;
    }
    json_text_init(&text);
    write_report(&text, report);
    if (json_text_end(&text, &whole, &error)) {
        fwrite(whole.bytes, 1, whole.size, stdout);
    } else {
        fprintf(stderr, "connect-agent check: %s\n", error.message);
    }
    json_text_done(&text);
}
