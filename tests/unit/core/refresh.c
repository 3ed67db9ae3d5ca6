#include "core/refresh.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/timer.h"

/* Against a server of its own, which takes one token and has no vault that is wanted. That a
 * refused token is tried again with patience, and what follows, takes its time:
 * integration/test_sidecar_refusals.py.
 */

static struct MHD_Daemon *server;
static char accepted[1024], asked[1024]; /* "Bearer …"; what was seen last */

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    static char vaults[] = "[{\"id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"name\":\"other\"}]",
                refusal[] = "{\"status\":401,\"message\":\"Invalid token\"}";
    const char *token = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    bool ok = token && strcmp(token, accepted) == 0;
    (void)context, (void)url, (void)method, (void)version;
    (void)upload, (void)upload_size, (void)state;
    snprintf(asked, sizeof(asked), "%s", token ? token : "");
    char *body = ok ? vaults : refusal;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result queued = MHD_queue_response(connection, ok ? 200 : 401, response);
    MHD_destroy_response(response);
    return queued;
}

/* --- all that a refresh borrows --- */

static char token_path[] = "/tmp/refresh-XXXXXX", host[64];
static struct loop loop;
static struct timer timer;
static struct memory memory;
static struct journal journal;
static struct client_observer observer;
static struct template template;
static struct credentials credentials;
static struct error outcome, error;
static struct log quiet;
static size_t in_use;

/* Of a token's shape and size, each letter another. */
static const char *token_of(char letter)
{
    static char token[400];
    char filling[121];
    memset(filling, letter, 120);
    filling[120] = '\0';
    snprintf(token, sizeof(token), "%s.e30.%086d", filling, 0);
    return token;
}

static void mount(const char *text)
{
    int fd = open(token_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void server_takes(char letter)
{
    snprintf(accepted, sizeof(accepted), "Bearer %s", token_of(letter));
}

static void put_away(struct stash *stash, char letter)
{
    SECRET_AUTO bytes = secret_new(LIMIT_TOKEN);
    cr_assert(secret_append(bytes, str_from(token_of(letter)), &error) &&
              stash_put(stash, bytes, &error));
}

/* letter 0: nothing */
static bool holds(const struct stash *stash, char letter)
{
    SECRET_AUTO bytes = secret_new(LIMIT_TOKEN);
    cr_assert(stash_get(stash, bytes, &error));
    return str_is(secret_str(bytes), letter ? token_of(letter) : "");
}

static void on_late(void *context)
{
    (void)context;
    cr_assert_fail("no end of it");
}

static void begin(void)
{
    size_t index, at;
    server = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, NULL,
                              MHD_OPTION_END);
    cr_assert(server);
    snprintf(host, sizeof(host), "http://127.0.0.1:%u",
             MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port);
    int fd = mkstemp(token_path);
    cr_assert_geq(fd, 0);
    close(fd);
    quiet = (struct log){.fd = -1, .level = LOG_ERROR, .clock = &clock_system};
    template.settings = (struct settings){
        .host = host, .token_file = token_path, .request_timeout_ms = 5000, .interval_ms = 60000};
    references_init(&template.references);
    cr_assert(references_intern(&template.references, str_from("op://v/i/f"), (struct place){0},
                                &index, &at, &error));
    journal_init(&journal, &quiet);
    observer = journal_observer(&journal);
    stash_init(&credentials.good);
    stash_init(&credentials.bad);
    cr_assert(loop_init(&loop, &clock_system, &error) &&
              timer_init(&timer, &loop, on_late, NULL, &error) &&
              memory_init(&memory, 1, true, &error));
    timer_set(&timer, 30000);
    in_use = secret_in_use();
}

static void end(void)
{
    memory_done(&memory);
    timer_done(&timer);
    loop_done(&loop);
    stash_done(&credentials.good);
    stash_done(&credentials.bad);
    references_done(&template.references);
    MHD_stop_daemon(server);
    unlink(token_path);
}

TestSuite(refresh, .init = begin, .fini = end);

static void on_done(void *context, const struct error *why)
{
    (void)context;
    outcome = why ? *why : (struct error){.code = ERROR_NONE};
    loop_stop(&loop);
}

static bool start(struct refresh **ret_refresh)
{
    const struct refresh_options options = {.loop = &loop,
                                            .template = &template,
                                            .memory = &memory,
                                            .credentials = &credentials,
                                            .journal = &journal,
                                            .observer = &observer,
                                            .log = &quiet,
                                            .clock = &clock_system,
                                            .done = on_done};
    return refresh_start(&options, ret_refresh, &error);
}

static void expect_nothing_in_memory(void)
{
    cr_expect_eq(secret_in_use(), in_use);
}

static void run(void)
{
    struct refresh *refresh = NULL;
    cr_assert(start(&refresh), "%s", error.message);
    cr_assert(loop_run(&loop, &error), "%s", error.message);
    refresh_free(refresh);
    expect_nothing_in_memory();
}

static bool asked_with(char letter)
{
    char expected[1024];
    snprintf(expected, sizeof(expected), "Bearer %s", token_of(letter));
    return strcmp(asked, expected) == 0;
}

/* --- */

Test(refresh, without_any_token_nothing_is_begun)
{
    struct refresh *refresh = NULL;
    mount("canary");
    cr_expect_not(start(&refresh));
    cr_expect_null(refresh);
    cr_expect_eq(error.code, ERROR_TOKEN_FILE);
    cr_expect_null(strstr(error.message, "canary"), "%s", error.message);
    cr_expect_str_empty(asked);
    refresh_free(NULL);
    expect_nothing_in_memory();
}

Test(refresh, a_token_that_worked_is_put_away_and_the_bad_one_forgotten)
{
    mount(token_of('a'));
    server_takes('a');
    put_away(&credentials.bad, 'b');
    run();
    cr_expect(asked_with('a'));
    cr_expect(outcome.code != ERROR_TOKEN && outcome.code != ERROR_UNREACHABLE, "%s",
              outcome.message);
    cr_expect(holds(&credentials.good, 'a') && holds(&credentials.bad, 0));
    cr_expect_not(credentials.refused || credentials.again);
}

Test(refresh, a_token_of_the_environment_is_not_put_away)
{
    char variable[400];
    snprintf(variable, sizeof(variable), "%s", token_of('a'));
    template.settings.token_file = NULL;
    credentials.variable = variable;
    server_takes('a');
    run();
    cr_expect(asked_with('a') && holds(&credentials.good, 0));
}

Test(refresh, a_new_token_is_tried_before_the_one_that_worked)
{
    mount(token_of('b'));
    put_away(&credentials.good, 'a');
    server_takes('b');
    run();
    cr_expect(asked_with('b') && holds(&credentials.good, 'b'));
}

Test(refresh, a_token_that_was_refused_before_is_passed_over_for_the_one_that_works)
{
    mount(token_of('b'));
    put_away(&credentials.good, 'a');
    put_away(&credentials.bad, 'b');
    credentials.again = true;
    server_takes('a');
    run();
    cr_expect(asked_with('a'));
    cr_expect(holds(&credentials.good, 'a') && holds(&credentials.bad, 'b'));
    cr_expect_not(credentials.refused || credentials.again);
}

Test(refresh, what_cannot_be_a_token_does_not_take_the_place_of_the_one_that_works)
{
    mount("cut");
    put_away(&credentials.good, 'a');
    server_takes('a');
    run();
    cr_expect(asked_with('a') && holds(&credentials.good, 'a'));
}

/* It was refused before, so it is asked once. */
Test(refresh, when_the_only_token_is_refused_the_error_says_so_and_nothing_is_put_away)
{
    mount(token_of('b'));
    credentials.refused = true;
    server_takes('a');
    run();
    cr_expect_eq(outcome.code, ERROR_TOKEN, "%s", outcome.message);
    cr_expect_null(strstr(outcome.message, "bbbb"), "%s", outcome.message);
    cr_expect(credentials.refused && !credentials.again);
    cr_expect(holds(&credentials.good, 0) && holds(&credentials.bad, 0));
}

Test(refresh, when_neither_works_both_are_forgotten_and_what_is_mounted_is_next)
{
    mount(token_of('b'));
    put_away(&credentials.good, 'a');
    put_away(&credentials.bad, 'b');
    credentials.refused = true;
    server_takes('c');
    run();
    cr_expect(asked_with('a'));
    cr_expect_eq(outcome.code, ERROR_TOKEN);
    cr_expect(holds(&credentials.good, 0) && holds(&credentials.bad, 0));
    loop_done(&loop); /* one that was stopped stays so */
    timer_done(&timer);
    cr_assert(loop_init(&loop, &clock_system, &error) &&
              timer_init(&timer, &loop, on_late, NULL, &error));
    timer_set(&timer, 30000);
    run();
    cr_expect(asked_with('b'));
}

Test(refresh, one_that_is_cancelled_leaves_the_credentials_as_they_were)
{
    struct refresh *refresh = NULL;
    mount(token_of('b'));
    put_away(&credentials.good, 'a');
    cr_assert(start(&refresh), "%s", error.message);
    cr_expect_gt(secret_in_use(), in_use, "the token at least");
    refresh_free(refresh);
    expect_nothing_in_memory();
    cr_expect(holds(&credentials.good, 'a') && holds(&credentials.bad, 0));
}
