#include "core/cycle.h"

#include <stdlib.h>

#include "connect/resolve.h"
#include "core/plan.h"
#include "publish/publish.h"
#include "render/render.h"

struct cycle {
    const struct template *template;
    enum cycle_kind kind;
    struct memory *memory;
    struct journal *journal;
    struct cycle_owner owner;
    struct plan plan;
    struct values values;
    struct resolve *resolve;
    bool *changed;                     /* one for each output: it has a new generation */
    struct generation *generations;    /* one for each output */
    struct publication **publications; /* likewise */
    struct findings findings;          /* references and files that failed */
    struct error error;                /* the first of them */
};

/* Notes it; the first one becomes the error of the cycle. */
static void note(struct cycle *cycle, struct place place, const struct error *error)
{
    char text[2 * LIMIT_MESSAGE];
    if (cycle->error.code == ERROR_NONE) {
        const struct finding finding = {place, *error, false};
        finding_print(&finding, text, sizeof(text));
        error_set(&cycle->error, error->code, "%s", text);
    }
    findings_add(&cycle->findings, place, error);
}

static bool is_acceptable(const struct cycle *cycle, size_t index)
{
    const struct value *value = &cycle->values.list[index];
    return value->bytes || (value_is_missing(value) && !cycle->plan.required[index]);
}

/* Notes every reference that failed for a reason which no `optional` covers, not only the first. */
static void check_values(struct cycle *cycle)
{
    const struct references *references = &cycle->template->references;
    for (size_t i = 0; i < references->count; i++) {
        const struct value *value = &cycle->values.list[i];
        struct error error;
        if (is_acceptable(cycle, i)) {
            continue;
        }
        if (value->error) {
            error = *value->error;
        } else {
            error_set(&error, ERROR_MEMORY, "out of memory");
        }
        note(cycle, references->list[i]->place, &error);
    }
}

static bool is_empty(const struct cycle *cycle, const struct text *text)
{
    for (size_t i = 0; i < text->count; i++) {
        const struct text_part *part = &text->parts[i];
        const struct secret *value =
            part->kind == TEXT_REFERENCE ? cycle->values.list[part->reference].bytes : NULL;
        if (part->kind == TEXT_LITERAL || !value || secret_size(value) > 0) {
            return false;
        }
    }
    return true;
}

/* The kubelet cannot tell an empty value from a missing key (KEP-3721). */
static void warn_of_empty(const struct cycle *cycle, const struct file *file)
{
    for (size_t i = 0; i < file->variables_count && file->dialect == DIALECT_KUBERNETES; i++) {
        if (is_empty(cycle, &file->variables[i].value.text)) {
            journal_empty(cycle->journal, file->path, file->variables[i].name);
        }
    }
}

static bool render_output(struct cycle *cycle, size_t index, struct error *err)
{
    const struct output *output = &cycle->template->outputs[index];
    struct generation *generation = &cycle->generations[index];
    if (!generation_init(generation, output->files_count, err)) {
        return false;
    }
    for (size_t i = 0; i < output->files_count; i++) {
        const struct file *file = &output->files[i];
        struct generation_file made = {file->path, file->mode, file->uid, file->gid, NULL};
        struct error error;
        struct place place;
        bool left_out = false;
        if (!render_file(file, &cycle->template->references, &cycle->values, &made.bytes, &left_out,
                         &place, &error)) {
            error_wrap(&error, "file %s", file->path);
            note(cycle, place, &error);
        } else if (!left_out) {
            warn_of_empty(cycle, file);
            generation_add(generation, &made);
        }
    }
    return true;
}

static bool render_outputs(struct cycle *cycle, struct error *err)
{
    for (size_t i = 0; i < cycle->template->outputs_count; i++) {
        if (!render_output(cycle, i, err)) {
            return false;
        }
    }
    return true;
}

static bool stage_outputs(struct cycle *cycle, struct error *err)
{
    for (size_t i = 0; i < cycle->template->outputs_count; i++) {
        if (!publish_stage(&cycle->template->outputs[i], &cycle->generations[i],
                           &cycle->publications[i], err)) {
            return error_wrap(err, "output %s", cycle->template->outputs[i].directory);
        }
    }
    return true;
}

static bool commit_outputs(struct cycle *cycle, struct error *err)
{
    for (size_t i = 0; i < cycle->template->outputs_count; i++) {
        const struct output *output = &cycle->template->outputs[i];
        bool changed = publish_is_changed(cycle->publications[i]);
        if (!publish_commit(cycle->publications[i], err)) {
            return error_wrap(err, "output %s", output->directory);
        }
        cycle->changed[i] = changed;
        journal_published(cycle->journal, output->directory, cycle->generations[i].count, changed);
    }
    return true;
}

/* Each step looks at everything before it gives up, so that one run tells all that is wrong. */
static bool publish(struct cycle *cycle, struct error *err)
{
    check_values(cycle);
    if (cycle->error.code == ERROR_NONE && !render_outputs(cycle, err)) {
        return false;
    }
    if (cycle->error.code != ERROR_NONE) {
        *err = cycle->error;
        return false;
    }
    return cycle->kind == CYCLE_PREVIEW ||
           (stage_outputs(cycle, err) && commit_outputs(cycle, err));
}

static void on_item_read(void *context, const char *vault, const char *item, uint64_t version)
{
    const struct cycle *cycle = context;
    journal_item_read(cycle->journal, vault, item, version);
}

/* What did not change comes back from where it was put away, and all of it goes there again. */
static bool remember(struct cycle *cycle, struct error *err)
{
    struct memory *memory = cycle->memory;
    if (!memory->keeps) {
        return true;
    }
    memory->pending = true;
    return memory_restore(memory, &cycle->values, err) &&
           (!resolve_is_changed(cycle->resolve) || memory_store(memory, &cycle->values, err));
}

static void on_resolved(void *context, const struct error *error)
{
    struct cycle *cycle = context;
    struct memory *memory = cycle->memory;
    struct error failed;
    if (error) {
        cycle->owner.done(cycle->owner.context, error);
    } else if (memory->keeps && !memory->pending && !resolve_is_changed(cycle->resolve)) {
        cycle->owner.done(cycle->owner.context, NULL); /* everything is as it is published */
    } else if (!remember(cycle, &failed) || !publish(cycle, &failed)) {
        cycle->owner.done(cycle->owner.context, &failed);
    } else {
        memory->pending = false;
        cycle->owner.done(cycle->owner.context, NULL);
    }
}

bool cycle_start(struct client *client, const struct template *template, enum cycle_kind kind,
                 struct memory *memory, struct journal *journal, struct cycle_owner owner,
                 struct cycle **ret_cycle, struct error *err)
{
    struct cycle *cycle = calloc(1, sizeof(*cycle));
    if (!cycle) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *cycle = (struct cycle){
        .template = template, .kind = kind, .memory = memory, .journal = journal, .owner = owner};
    cycle->changed = calloc(template->outputs_count + 1, sizeof(*cycle->changed));
    cycle->generations = calloc(template->outputs_count + 1, sizeof(*cycle->generations));
    cycle->publications = calloc(template->outputs_count + 1, sizeof(struct publication *));
    struct resolve_owner resolve_owner = {cycle, on_item_read, on_resolved};
    if (!cycle->generations || !cycle->publications || !cycle->changed) {
        cycle_free(cycle);
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!plan_init(&cycle->plan, template, err) ||
        !values_init(&cycle->values, template->references.count, err) ||
        !resolve_start(client, &template->references, &memory->known, &cycle->values,
                       &resolve_owner, &cycle->resolve, err)) {
        cycle_free(cycle);
        return false;
    }
    *ret_cycle = cycle;
    return true;
}

const struct findings *cycle_findings(const struct cycle *cycle)
{
    return &cycle->findings;
}

bool cycle_has_changed(const struct cycle *cycle, size_t output)
{
    return cycle->changed[output];
}

bool cycle_has_published(const struct cycle *cycle)
{
    bool any = false;
    for (size_t i = 0; i < cycle->template->outputs_count; i++) {
        any = any || cycle->changed[i];
    }
    return any;
}

const struct values *cycle_values(const struct cycle *cycle)
{
    return &cycle->values;
}

const struct generation *cycle_generations(const struct cycle *cycle)
{
    return cycle->generations;
}

void cycle_free(struct cycle *cycle)
{
    if (!cycle) {
        return;
    }
    resolve_free(cycle->resolve);
    for (size_t i = 0; i < cycle->template->outputs_count; i++) {
        if (cycle->publications) {
            publish_free(cycle->publications[i]);
        }
        if (cycle->generations) {
            generation_done(&cycle->generations[i]);
        }
    }
    free(cycle->publications);
    free(cycle->generations);
    free(cycle->changed);
    findings_done(&cycle->findings);
    values_done(&cycle->values);
    plan_done(&cycle->plan);
    free(cycle);
}
