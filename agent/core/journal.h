/* What the program says while it works: turns what happens below into log lines and counts it.
 * State changes are logged once, with counts, not once per try (design.md, "Failing"). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/findings.h"
#include "base/log.h"
#include "connect/client.h"
#include "connect/token.h"
#include "model/generation.h"
#include "model/template.h"
#include "report/health.h"
#include "report/metrics.h"

/* What is told when it changes, and not while it stays. */
enum journal_subject {
    JOURNAL_TOKEN,
    JOURNAL_REFRESH,
    JOURNAL_WATCH,
    JOURNAL_LISTENER,
    JOURNAL_SUBJECTS,
};

struct journal {
    const struct log *log;   /* borrowed */
    struct metrics *metrics; /* borrowed; null: nobody counts */
    struct health *health;   /* borrowed; null: nobody asks */
    struct {
        int64_t at;     /* seconds since 1970; 0: unknown or never */
        unsigned level; /* of the warnings that were given for it */
    } expiry;           /* of the token */
    bool failing;       /* an outage has been reported and not yet its end */
    struct {
        enum error_code code; /* of the trouble that was told; ERROR_NONE: all is well */
        uint64_t digest;      /* of its message */
        unsigned count;       /* how often since */
    } states[JOURNAL_SUBJECTS];
};

void journal_init(struct journal *journal, const struct log *log);

/* The client's view of the server, as lines; borrows the journal. */
struct client_observer journal_observer(struct journal *journal);

/* The subject is in trouble (`error`), or well (null). Logged when that is news: another trouble,
 * or the end of one, with the number of times it was met. */
void journal_state(struct journal *journal, enum journal_subject subject, const struct error *error,
                   const char *message);

void journal_findings(const struct journal *journal, const char *message,
                      const struct findings *findings);
void journal_token(const struct journal *journal, const struct settings *settings,
                   const struct token *token);
/* Warns 14 days, 3 days, 1 day and 1 hour before, and after, each once for a token. */
void journal_expiry(struct journal *journal, int64_t expires, int64_t now);
/* Whether Connect took the token that is mounted. */
void journal_token_judged(const struct journal *journal, bool accepted);
/* The audit trail: 1Password's own report names only the Connect server (design.md). */
void journal_item_read(const struct journal *journal, const char *vault, const char *item,
                       uint64_t version);
void journal_empty(const struct journal *journal, const char *file, const char *variable);
/* One try of a hook. */
struct journal_hook {
    const char *phase; /* beforePublish, onChange */
    const char *output;
    const struct hook *hook;
    unsigned tries;
    bool is_last;              /* it is not tried again */
    const struct error *error; /* null: it went well */
};
void journal_hook(const struct journal *journal, const struct journal_hook *ran);
void journal_published(const struct journal *journal, const char *directory,
                       const struct generation *generation, bool changed);
/* A reference that the cycle could not resolve; and that a new cycle begins. */
void journal_reference_failed(const struct journal *journal, const char *reference);
void journal_cycle(const struct journal *journal);
void journal_error(const struct journal *journal, enum log_level level, const char *message,
                   const struct error *error);
