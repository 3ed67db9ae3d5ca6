#include "core/refresh.h"

#include <stdlib.h>

#include "connect/client.h"
#include "connect/token.h"

enum trial {
    TRIAL_ONLY, /* there is no other token */
    TRIAL_NEW,  /* the one that worked before is there, should this one be refused */
    TRIAL_OLD,  /* that one */
};

struct refresh {
    struct refresh_options options;
    struct token token;
    struct client *client;
    struct cycle *cycle;
    enum trial trial;
};

/* What was put away; of size 0 when nothing was. */
static bool recall(const struct stash *stash, struct secret **ret_bytes, struct error *err)
{
    SECRET_AUTO bytes = secret_new(LIMIT_TOKEN);
    if (!bytes) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!stash_get(stash, bytes, err)) {
        return false;
    }
    *ret_bytes = bytes;
    bytes = NULL;
    return true;
}

/* Was this token refused the last time, while another one works? */
static bool is_known_bad(const struct refresh *refresh)
{
    struct error ignored;
    struct secret *bad = NULL; /* gcc 14 cannot see that recall() sets it */
    if (!recall(&refresh->options.credentials->bad, &bad, &ignored)) {
        return false;
    }
    bool same = secret_equal(bad, refresh->token.bytes);
    secret_free(bad);
    return same;
}

static void use_old(struct refresh *refresh, struct secret *bytes)
{
    token_done(&refresh->token);
    refresh->token = (struct token){.bytes = bytes};
    refresh->trial = TRIAL_OLD;
}

/* A token was read; takes `good`. */
static void weigh(struct refresh *refresh, struct secret *good)
{
    const struct refresh_options *options = &refresh->options;
    bool have_good = secret_size(good) > 0;
    bool same = have_good && secret_equal(good, refresh->token.bytes);
    if (have_good && !same && is_known_bad(refresh)) {
        use_old(refresh, good);
        return;
    }
    refresh->trial = have_good && !same ? TRIAL_NEW : TRIAL_ONLY;
    if (!same) {
        journal_token(options->journal, &options->template->settings, &refresh->token);
    }
    journal_expiry(options->journal, refresh->token.expires, clock_wall_ms(options->clock) / 1000);
    secret_free(good);
}

/* Reads what is mounted now; when that cannot be a token, the one that worked before will do. */
static bool choose_token(struct refresh *refresh, struct error *err)
{
    const struct refresh_options *options = &refresh->options;
    struct secret *good = NULL;
    if (!recall(&options->credentials->good, &good, err)) {
        return false;
    }
    if (token_read(&options->template->settings, options->credentials->variable, &refresh->token,
                   err)) {
        weigh(refresh, good);
        return true;
    }
    journal_token_judged(options->journal, false);
    if (secret_size(good) == 0) {
        secret_free(good);
        return false;
    }
    journal_state(options->journal, JOURNAL_TOKEN, err,
                  "the token cannot be read; the one that worked before stays in use");
    use_old(refresh, good);
    return true;
}

static bool is_refusal(const struct error *error)
{
    return error->code == ERROR_TOKEN || error->code == ERROR_FORBIDDEN;
}

/* The server took the token. */
static void accept(struct refresh *refresh)
{
    struct credentials *credentials = refresh->options.credentials;
    struct error ignored;
    if (refresh->trial == TRIAL_OLD) {
        return;
    }
    if (!credentials->variable) {
        (void)stash_put(&credentials->good, refresh->token.bytes, &ignored);
    }
    stash_done(&credentials->bad);
    journal_token_judged(refresh->options.journal, true);
    journal_state(refresh->options.journal, JOURNAL_TOKEN, NULL, "the token is accepted");
}

static void refuse(struct refresh *refresh, struct error *refusal)
{
    struct credentials *credentials = refresh->options.credentials;
    struct error ignored;
    if (refusal->code == ERROR_TOKEN) {
        token_explain(&refresh->token, clock_wall_ms(refresh->options.clock) / 1000, refusal);
        journal_token_judged(refresh->options.journal, false);
    }
    if (refresh->trial == TRIAL_NEW) {
        credentials->again = stash_put(&credentials->bad, refresh->token.bytes, &ignored);
        journal_state(refresh->options.journal, JOURNAL_TOKEN, refusal,
                      "the new token is refused; the one that worked before stays in use");
    } else if (refresh->trial == TRIAL_OLD && refusal->code == ERROR_TOKEN) {
        stash_done(&credentials->good); /* neither works: what is mounted is tried again */
        stash_done(&credentials->bad);
    }
}

static void on_done(void *context, const struct error *error)
{
    struct refresh *refresh = context;
    const struct refresh_options *options = &refresh->options;
    struct error copy = {.code = ERROR_NONE};
    if (error) {
        copy = *error;
    }
    options->credentials->refused = is_refusal(&copy);
    if (is_refusal(&copy)) {
        refuse(refresh, &copy);
    } else if (copy.code != ERROR_UNREACHABLE && copy.code != ERROR_PROTOCOL) {
        accept(refresh);
    }
    options->done(options->context, error ? &copy : NULL);
}

static bool begin(struct refresh *refresh, struct error *err)
{
    const struct refresh_options *options = &refresh->options;
    bool patient = !options->credentials->refused || refresh->trial == TRIAL_NEW;
    options->credentials->again = false;
    if (!client_new(options->loop, &options->template->settings, options->observer,
                    &refresh->client, err)) {
        return false;
    }
    client_set_token(refresh->client, refresh->token.bytes);
    client_set_patience(refresh->client, patient);
    return cycle_start(&(struct cycle_options){.loop = options->loop,
                                               .client = refresh->client,
                                               .template = options->template,
                                               .kind = CYCLE_PUBLISH,
                                               .memory = options->memory,
                                               .journal = options->journal,
                                               .commands = options->commands,
                                               .context = refresh,
                                               .done = on_done},
                       &refresh->cycle, err);
}

bool refresh_start(const struct refresh_options *options, struct refresh **ret_refresh,
                   struct error *err)
{
    struct refresh *refresh = calloc(1, sizeof(*refresh));
    if (!refresh) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    refresh->options = *options;
    if (!choose_token(refresh, err) || !begin(refresh, err)) {
        refresh_free(refresh);
        return false;
    }
    *ret_refresh = refresh;
    return true;
}

const struct cycle *refresh_cycle(const struct refresh *refresh)
{
    return refresh->cycle;
}

void refresh_free(struct refresh *refresh)
{
    if (!refresh) {
        return;
    }
    cycle_free(refresh->cycle);
    client_free(refresh->client);
    token_done(&refresh->token);
    free(refresh);
}
