#include "core/cycle.h"

#include <stdlib.h>

#include "connect/resolve.h"
#include "core/gate.h"
#include "core/plan.h"
#include "publish/publish.h"
#include "render/render.h"

struct cycle {
    struct cycle_options options;
    const struct template *template;
    struct plan plan;
    struct values values;
    struct resolve *resolve;
    struct gate *gate;
    enum cycle_change *changes;        /* one for each output */
    struct generation *generations;    /* likewise */
    struct publication **publications; /* likewise */
    struct secret *environment;        /* of a command */
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
        journal_reference_failed(cycle->options.journal, references->list[i]->text);
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
            journal_empty(cycle->options.journal, file->path, file->variables[i].name);
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

static void render_environment(struct cycle *cycle)
{
    const struct file *environment = &cycle->template->launch.environment;
    struct error error;
    struct place place;
    bool left_out;
    if (!render_file(environment, &cycle->template->references, &cycle->values, &cycle->environment,
                     &left_out, &place, &error)) {
        error_wrap(&error, "exec");
        note(cycle, place, &error);
    }
}

static bool render_outputs(struct cycle *cycle, struct error *err)
{
    for (size_t i = 0; i < cycle->template->outputs_count; i++) {
        if (!render_output(cycle, i, err)) {
            return false;
        }
    }
    if (cycle->template->launch.counts) {
        render_environment(cycle);
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

static bool commit_output(struct cycle *cycle, size_t index, struct error *err)
{
    struct publication *publication = cycle->publications[index];
    const struct output *output = &cycle->template->outputs[index];
    const struct generation *generation = &cycle->generations[index];
    bool changed = publish_is_changed(publication);
    bool replacing = publish_is_replacing(publication);
    if (!publish_commit(publication, err)) {
        return error_wrap(err, "output %s", output->directory);
    }
    if (changed) {
        cycle->changes[index] = replacing ? CYCLE_REPLACED : CYCLE_FIRST;
    }
    journal_published(cycle->options.journal, output->directory, generation, changed);
    return true;
}

static bool commit_outputs(struct cycle *cycle, struct error *err)
{
    for (size_t i = 0; i < cycle->template->outputs_count; i++) {
        if (!commit_output(cycle, i, err)) {
            return false;
        }
    }
    return true;
}

/* Each step looks at everything before it gives up, so that one run tells all that is wrong. */
static bool render(struct cycle *cycle, struct error *err)
{
    journal_cycle(cycle->options.journal);
    check_values(cycle);
    if (cycle->error.code == ERROR_NONE && !render_outputs(cycle, err)) {
        return false;
    }
    if (cycle->error.code != ERROR_NONE) {
        *err = cycle->error;
        return false;
    }
    return true;
}

static bool has_published(const struct cycle *cycle)
{
    for (size_t i = 0; i < cycle->template->outputs_count; i++) {
        if (cycle->changes[i] != CYCLE_UNCHANGED) {
            return true;
        }
    }
    return false;
}

static void finish(struct cycle *cycle, const struct error *error)
{
    cycle->options.done(cycle->options.context, error);
}

/* Everything is staged, and passed what it had to. */
static void commit(struct cycle *cycle)
{
    struct error error;
    struct memory *memory = cycle->options.memory;
    uint64_t next = memory->generation + 1;
    bool ok = commit_outputs(cycle, &error);
    memory->pending = memory->pending && !ok;
    memory->generation = has_published(cycle) ? next : memory->generation;
    finish(cycle, ok ? NULL : &error);
}

static const char *staged_path(void *context, size_t output)
{
    const struct cycle *cycle = context;
    return publish_staged_path(cycle->publications[output]);
}

static void on_passed(void *context, const struct error *error)
{
    struct cycle *cycle = context;
    if (error) {
        finish(cycle, error);
    } else {
        commit(cycle);
    }
}

static bool publish(struct cycle *cycle, struct error *err)
{
    const struct gate_options options = {.loop = cycle->options.loop,
                                         .journal = cycle->options.journal,
                                         .commands = cycle->options.commands,
                                         .template = cycle->template,
                                         .staged_path = staged_path,
                                         .done = on_passed,
                                         .context = cycle};
    if (!stage_outputs(cycle, err) ||
        !gate_open(&options, cycle->options.memory->generation + 1, &cycle->gate, err)) {
        return false;
    }
    if (!cycle->gate) {
        commit(cycle);
    }
    return true;
}

static void on_item_read(void *context, const char *vault, const char *item, uint64_t version)
{
    const struct cycle *cycle = context;
    journal_item_read(cycle->options.journal, vault, item, version);
}

/* What did not change comes back from where it was put away, and all of it goes there again. */
static bool remember(struct cycle *cycle, struct error *err)
{
    struct memory *memory = cycle->options.memory;
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
    const struct memory *memory = cycle->options.memory;
    struct error failed;
    bool published = memory->keeps && !memory->pending && !resolve_is_changed(cycle->resolve);
    bool preview = cycle->options.kind == CYCLE_PREVIEW;
    if (error || published) {
        finish(cycle, error);
    } else if (!remember(cycle, &failed) || !render(cycle, &failed) ||
               (!preview && !publish(cycle, &failed))) {
        finish(cycle, &failed);
    } else if (preview) {
        finish(cycle, NULL);
    } /* else it goes on, or is over */
}

static bool build(struct cycle *cycle, struct error *err)
{
    const struct template *template = cycle->template;
    size_t outputs = template->outputs_count + 1;
    cycle->changes = calloc(outputs, sizeof(*cycle->changes));
    cycle->generations = calloc(outputs, sizeof(*cycle->generations));
    cycle->publications = calloc(outputs, sizeof(struct publication *));
    if (!cycle->generations || !cycle->publications || !cycle->changes) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    return plan_init(&cycle->plan, template, err) &&
           values_init(&cycle->values, template->references.count, err);
}

bool cycle_start(const struct cycle_options *options, struct cycle **ret_cycle, struct error *err)
{
    struct cycle *cycle = calloc(1, sizeof(*cycle));
    if (!cycle) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    cycle->options = *options;
    cycle->template = options->template;
    const struct resolve_owner owner = {cycle, on_item_read, on_resolved};
    if (!build(cycle, err) ||
        !resolve_start(options->client, &cycle->template->references, &options->memory->known,
                       &cycle->values, &owner, &cycle->resolve, err)) {
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

enum cycle_change cycle_change(const struct cycle *cycle, size_t output)
{
    return cycle->changes[output];
}

const struct secret *cycle_environment(const struct cycle *cycle)
{
    return cycle->environment;
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
    gate_free(cycle->gate);
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
    free(cycle->changes);
    secret_free(cycle->environment);
    findings_done(&cycle->findings);
    values_done(&cycle->values);
    plan_done(&cycle->plan);
    free(cycle);
}
