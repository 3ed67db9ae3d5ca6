#include "core/masking.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/stash.h"
#include "reload/relay.h"
#include "render/mask.h"
#include "render/text.h"

#define WITHHELD "<withheld by connect-agent>"

enum { STREAMS = 2 };

struct stream {
    struct masking *masking;
    struct relay *relay;
    struct mask mask;
};

struct masking {
    struct loop *loop;
    struct journal *journal;
    struct masking_owner owner;
    struct stash table; /* of lines, as render/mask.h makes it */
    struct stream streams[STREAMS];
    int descriptors[STREAMS];
    unsigned finished;
    bool has_warned;
};

/* --- learning --- */

/* What filters make of a value is not the value: base64 of a password is as good as it. */
static bool add_filtered(const struct text *text, const struct sources *sources, struct secret *set,
                         struct error *err)
{
    struct place place;
    size_t skipped = 0;
    bool ok = !text_is_missing(text, sources);
    for (size_t i = 0; ok && i < text->spans_count; i++) {
        SECRET_AUTO made = secret_new(LIMIT_OUTPUT_FILE);
        if (!made || !text_render_span(text, &text->spans[i], sources, made, &place, err) ||
            !mask_add(set, secret_str(made), &skipped, err)) {
            return error_set(err, ERROR_MEMORY, "out of memory");
        }
    }
    return true;
}

static bool add_all(const struct template *template, const struct cycle *cycle, struct secret *set,
                    size_t *ret_skipped, struct error *err)
{
    const struct values *values = cycle_values(cycle);
    const struct sources sources = {&template->references, values};
    const struct file *environment = &template->launch.environment;
    bool ok = true;
    for (size_t i = 0; ok && i < values->count; i++) {
        const struct secret *value = values->list[i].bytes;
        ok = !value || mask_add_value(set, secret_str(value), ret_skipped, err);
    }
    for (size_t i = 0; ok && i < environment->variables_count; i++) {
        ok = add_filtered(&environment->variables[i].value.text, &sources, set, err);
    }
    return ok;
}

static bool add_older(const struct stash *stash, struct secret *set, struct error *err)
{
    struct str older;
    if (!stash_open(stash, &older, err)) {
        return false;
    }
    bool ok = mask_add_older(set, older, err);
    stash_close(older);
    return ok;
}

bool masking_learn(struct masking *masking, const struct template *template,
                   const struct cycle *cycle, struct error *err)
{
    SECRET_AUTO set = secret_new(LIMIT_MASK);
    SECRET_AUTO table = secret_new(MASK_TABLE);
    size_t skipped = 0;
    if (!set || !table) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!add_all(template, cycle, set, &skipped, err) || !add_older(&masking->table, set, err) ||
        !mask_seal(set, table, err) || !stash_replace(&masking->table, table, err)) {
        return error_wrap(err, "--mask: the lines of all values");
    }
    if (skipped > 0 && !masking->has_warned) {
        masking->has_warned = true;
        log_write(masking->journal->log, LOG_WARN,
                  "values of less than 4 bytes a line are not masked",
                  log_number(LOG_KEY_COUNT, (int64_t)skipped));
    }
    return true;
}

/* --- the streams --- */

/* The values are in memory for no longer than this takes. */
static bool try_mask(struct stream *stream, struct str more, bool is_end, struct secret *into,
                     struct error *err)
{
    struct str table;
    if (!stash_open(&stream->masking->table, &table, err)) {
        return false;
    }
    bool ok = mask_apply(&stream->mask, table, more, is_end, into, err);
    stash_close(table);
    return ok;
}

/* What cannot be looked through does not get through. */
static void on_output(void *context, struct str more, bool is_end, struct secret *into)
{
    struct stream *stream = context;
    struct error error;
    if (!try_mask(stream, more, is_end, into, &error)) {
        journal_error(stream->masking->journal, LOG_ERROR, "output of the command is withheld",
                      &error);
        mask_done(&stream->mask);
        (void)secret_append(into, str_from(WITHHELD), &error);
    }
}

static void on_finished(void *context)
{
    const struct stream *stream = context;
    struct masking *masking = stream->masking;
    if (++masking->finished == STREAMS) {
        masking->owner.finished(masking->owner.context);
    }
}

const int *masking_descriptors(const struct masking *masking)
{
    return masking->descriptors;
}

void masking_finish(struct masking *masking)
{
    for (size_t i = 0; i < STREAMS; i++) {
        relay_finish(masking->streams[i].relay);
    }
}

/* --- life --- */

static bool open_stream(struct masking *masking, size_t index, int to, struct error *err)
{
    struct stream *stream = &masking->streams[index];
    const struct relay_owner owner = {stream, on_output, on_finished};
    stream->masking = masking;
    if (!relay_new(masking->loop, to, &owner, &stream->relay, err)) {
        return false;
    }
    masking->descriptors[index] = relay_writer(stream->relay);
    return true;
}

bool masking_new(struct loop *loop, struct journal *journal, const struct masking_owner *owner,
                 struct masking **ret_masking, struct error *err)
{
    struct masking *masking = calloc(1, sizeof(*masking));
    if (!masking) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *masking = (struct masking){.loop = loop, .journal = journal, .owner = *owner};
    stash_init(&masking->table);
    if (!open_stream(masking, 0, STDOUT_FILENO, err) ||
        !open_stream(masking, 1, STDERR_FILENO, err)) {
        masking_free(masking);
        return false;
    }
    *ret_masking = masking;
    return true;
}

void masking_free(struct masking *masking)
{
    if (!masking) {
        return;
    }
    for (size_t i = 0; i < STREAMS; i++) {
        relay_free(masking->streams[i].relay);
        mask_done(&masking->streams[i].mask);
    }
    stash_done(&masking->table);
    free(masking);
}
