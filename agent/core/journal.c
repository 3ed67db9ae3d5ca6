#include "core/journal.h"

#include <math.h>
#include <stdio.h>

#include "core/expiry.h"

void journal_init(struct journal *journal, const struct log *log)
{
    *journal = (struct journal){.log = log};
}

static void count_request(const struct journal *journal, enum client_endpoint endpoint, long status)
{
    char code[24] = "none";
    if (status > 0) {
        snprintf(code, sizeof(code), "%ld", status);
    }
    metrics_add(journal->metrics, METRIC_REQUESTS,
                METRIC_LABELS_OF(client_endpoint_name(endpoint), code), 1);
}

static void on_answered(void *context, enum client_endpoint endpoint, const char *path, long status,
                        uint64_t duration_ms, size_t size)
{
    const struct journal *journal = context;
    (void)path; /* made of IDs that the audit line has already */
    count_request(journal, endpoint, status);
    if (status == 0) {
        return; /* why is told by who tries again, or gives up */
    }
    log_write(journal->log, LOG_DEBUG, "answer from Connect",
              log_text(LOG_KEY_ENDPOINT, client_endpoint_name(endpoint)),
              log_number(LOG_KEY_STATUS, status),
              log_number(LOG_KEY_DURATION_MS, (int64_t)duration_ms),
              log_number(LOG_KEY_COUNT, (int64_t)size));
}

static void on_failing(void *context, enum client_endpoint endpoint, const struct error *error,
                       unsigned tries, uint64_t delay_ms)
{
    struct journal *journal = context;
    enum log_level level = journal->failing ? LOG_DEBUG : LOG_WARN;
    journal->failing = true;
    if (journal->health) {
        health_failed(journal->health, error); /* its refresh may go on for long */
    }
    log_write(journal->log, level, "request to Connect failed; it is tried again",
              log_text(LOG_KEY_ERROR, error_describe(error->code)->label),
              log_text(LOG_KEY_ENDPOINT, client_endpoint_name(endpoint)),
              log_text(LOG_KEY_REASON, error->message), log_number(LOG_KEY_TRY, tries),
              log_number(LOG_KEY_DELAY_MS, (int64_t)delay_ms));
}

static void on_recovered(void *context, unsigned failures)
{
    struct journal *journal = context;
    if (!journal->failing) {
        return;
    }
    journal->failing = false;
    if (journal->health) {
        health_recovered(journal->health);
    }
    log_write(journal->log, LOG_INFO, "Connect answers again", log_number(LOG_KEY_COUNT, failures));
}

struct client_observer journal_observer(struct journal *journal)
{
    return (struct client_observer){.context = journal,
                                    .answered = on_answered,
                                    .failing = on_failing,
                                    .recovered = on_recovered};
}

static uint64_t digest_of(const char *text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    }
    return hash;
}

void journal_state(struct journal *journal, enum journal_subject subject, const struct error *error,
                   const char *message)
{
    enum error_code before = journal->states[subject].code;
    enum error_code code = error ? error->code : ERROR_NONE;
    uint64_t digest = error ? digest_of(error->message) : 0;
    unsigned count = journal->states[subject].count;
    if (code == before && digest == journal->states[subject].digest) {
        journal->states[subject].count++;
        return;
    }
    journal->states[subject].code = code;
    journal->states[subject].digest = digest;
    journal->states[subject].count = 1;
    if (error) {
        journal_error(journal, LOG_WARN, message, error);
    } else if (before != ERROR_NONE) {
        log_write(journal->log, LOG_INFO, message, log_number(LOG_KEY_COUNT, count));
    }
}

void journal_findings(const struct journal *journal, const char *message,
                      const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        char text[2 * LIMIT_MESSAGE];
        finding_print(&findings->list[i], text, sizeof(text));
        log_write(journal->log, LOG_ERROR, message,
                  log_text(LOG_KEY_ERROR, error_describe(findings->list[i].error.code)->label),
                  log_text(LOG_KEY_REASON, text));
    }
}

void journal_token(const struct journal *journal, const struct settings *settings,
                   const struct token *token)
{
    const char *source = settings->token_file ? settings->token_file : "OP_CONNECT_TOKEN";
    if (token->readable_by_all) {
        log_write(journal->log, LOG_WARN,
                  "the token file can be read by every user; mount it with mode 0400 or 0440",
                  log_text(LOG_KEY_FILE, source));
    }
}

void journal_expiry(struct journal *journal, int64_t expires, int64_t now)
{
    char text[96];
    unsigned level = expiry_level(expires, now);
    if (expires != journal->expiry.at) {
        journal->expiry.at = expires;
        journal->expiry.level = 0;
    }
    metrics_set(journal->metrics, METRIC_TOKEN_EXPIRY, METRIC_LABELS_OF(),
                expires > 0 ? (double)expires : (double)INFINITY);
    if (level > journal->expiry.level) {
        expiry_print(expires, now, text, sizeof(text));
        log_write(journal->log, LOG_WARN, text, log_number(LOG_KEY_EXPIRES, expires));
    }
    journal->expiry.level = level;
}

void journal_token_judged(const struct journal *journal, bool accepted)
{
    metrics_set(journal->metrics, METRIC_TOKEN_ACCEPTED, METRIC_LABELS_OF(), accepted);
}

void journal_item_read(const struct journal *journal, const char *vault, const char *item,
                       uint64_t version)
{
    metrics_add(journal->metrics, METRIC_ITEM_READS, METRIC_LABELS_OF(), 1);
    log_write(journal->log, LOG_INFO, "item read", log_text(LOG_KEY_VAULT, vault),
              log_text(LOG_KEY_ITEM, item), log_number(LOG_KEY_VERSION, (int64_t)version),
              log_text(LOG_KEY_POD, journal->log->pod),
              log_text(LOG_KEY_NAMESPACE, journal->log->namespace));
}

void journal_empty(const struct journal *journal, const char *file, const char *variable)
{
    log_write(journal->log, LOG_WARN,
              "the value is empty, which the kubelet cannot tell from a missing key",
              log_text(LOG_KEY_FILE, file), log_text(LOG_KEY_VARIABLE, variable));
}

void journal_hook(const struct journal *journal, const struct journal_hook *ran)
{
    const struct hook *hook = ran->hook;
    const char *target = hook->kind == HOOK_HTTP   ? hook->url
                         : hook->kind == HOOK_EXEC ? hook->command[0]
                         : hook->process           ? hook->process
                         : hook->exe               ? hook->exe
                                                   : hook->pid_file;
    enum log_level level = !ran->error ? LOG_INFO : ran->is_last ? LOG_ERROR : LOG_WARN;
    const char *message = !ran->error    ? "hook done"
                          : ran->is_last ? "hook failed"
                                         : "hook failed; it is tried again";
    const char *result = !ran->error ? "ok" : ran->is_last ? "gave_up" : "failed";
    metrics_add(journal->metrics, METRIC_HOOK_RUNS,
                METRIC_LABELS_OF(ran->phase, hook_kind_name(hook->kind), result), 1);
    log_write(journal->log, level, message, log_text(LOG_KEY_PHASE, ran->phase),
              log_text(LOG_KEY_OUTPUT, ran->output),
              log_text(LOG_KEY_HOOK, hook_kind_name(hook->kind)), log_text(LOG_KEY_TARGET, target),
              log_number(LOG_KEY_TRY, ran->tries),
              log_text(LOG_KEY_REASON, ran->error ? ran->error->message : ""));
}

void journal_published(const struct journal *journal, const char *directory,
                       const struct generation *generation, bool changed)
{
    size_t bytes = 0;
    for (size_t i = 0; i < generation->count; i++) {
        bytes += secret_size(generation->files[i].bytes);
    }
    metrics_set(journal->metrics, METRIC_PUBLISHED_BYTES, METRIC_LABELS_OF(directory),
                (double)bytes);
    log_write(journal->log, LOG_INFO, changed ? "published" : "already published, unchanged",
              log_text(LOG_KEY_OUTPUT, directory),
              log_number(LOG_KEY_COUNT, (int64_t)generation->count));
}

void journal_reference_failed(const struct journal *journal, const char *reference)
{
    metrics_set(journal->metrics, METRIC_REFERENCE_FAILED, METRIC_LABELS_OF(reference), 1);
}

void journal_cycle(const struct journal *journal)
{
    metrics_clear(journal->metrics, METRIC_REFERENCE_FAILED);
}

void journal_error(const struct journal *journal, enum log_level level, const char *message,
                   const struct error *error)
{
    log_write(journal->log, level, message,
              log_text(LOG_KEY_ERROR, error_describe(error->code)->label),
              log_text(LOG_KEY_REASON, error->message));
}
