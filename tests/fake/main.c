/* fake-connect: a stand-in for a 1Password Connect server, for tests. See README.md. */

#include "fixture.h"
#include "request.h"
#include "server.h"
#include "tls.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_FIXTURE = 2 };

/* Each connection takes a descriptor. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Returns 0, or -1 with a message on stderr. */
static int issue_tokens(struct fake *fake)
{
    const char *directory = fake->options->token_directory;
    if (directory != NULL && directory_make(directory) < 0) {
        fprintf(stderr, "fake-connect: %s: %s\n", directory, strerror(errno));
        return -1;
    }
    for (size_t i = 0; i < fake->tokens->n; i++) {
        struct token *token = &fake->tokens->list[i];
        if (fake->options->keep_tokens && token_load(token, directory)) {
            continue;
        }
        if (token_issue(token, fake->world, directory) < 0) {
            fprintf(stderr, "fake-connect: %s/%s: %s\n", directory, token->name, strerror(errno));
            return -1;
        }
    }
    return 0;
}

/* Returns 0, or the exit status with a message on stderr. */
static int fake_init(struct fake *fake, const struct options *options)
{
    char error[FIXTURE_ERROR_SIZE];
    pthread_condattr_t attributes;
    *fake = (struct fake){.options = options, .stop_fd = eventfd(0, EFD_CLOEXEC)};
    pthread_mutex_init(&fake->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&fake->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    fake->faults = faults_new();
    if (fixture_load(options->fixture, &fake->world, &fake->tokens, error) < 0) {
        fprintf(stderr, "fake-connect: %s\n", error);
        return EXIT_FIXTURE;
    }
    fake->log = log_new(options->log);
    if (fake->log == NULL) {
        fprintf(stderr, "fake-connect: %s: %s\n", options->log, strerror(errno));
        return EXIT_FAILED;
    }
    return issue_tokens(fake) < 0 ? EXIT_FAILED : 0;
}

static void fake_done(struct fake *fake)
{
    log_free(fake->log);
    faults_free(fake->faults);
    tokens_free(fake->tokens);
    world_free(fake->world);
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->lock);
    close(fake->stop_fd);
}

static int tell_port(const struct server *server, const char *port_file)
{
    if (port_file != NULL) {
        char *text = mem_print("%u\n", server_port(server));
        int written = file_write(port_file, text, strlen(text), 0644);
        free(text);
        if (written < 0) {
            fprintf(stderr, "fake-connect: %s: %s\n", port_file, strerror(errno));
            return -1;
        }
    }
    printf("fake-connect: listening on %s\n", server_url(server));
    return fflush(stdout);
}

static void stop(struct fake *fake, struct server *server)
{
    uint64_t one = 1;
    pthread_mutex_lock(&fake->lock);
    fake->stopping = true;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
    if (write(fake->stop_fd, &one, sizeof one) != sizeof one) {
        abort();
    }
    server_stop(server);
}

/* Serves until one of the signals. Returns the exit status. */
static int run(struct fake *fake, const sigset_t *signals)
{
    struct tls tls = {0};
    bool is_tls = fake->options->tls_directory != NULL;
    struct server *server = NULL;
    int status = EXIT_FAILED;
    if (!is_tls || tls_make(&tls, fake->options) == 0) {
        server = server_start(fake, is_tls ? &tls : NULL);
    }
    if (server != NULL) {
        int signal = 0;
        if (tell_port(server, fake->options->port_file) == 0) {
            sigwait(signals, &signal);
            status = 0;
        }
        stop(fake, server);
    }
    tls_done(&tls);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    struct fake fake;
    sigset_t signals;
    int status = options_parse(&options, argc, argv);
    if (status >= 0) {
        return status;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    status = fake_init(&fake, &options);
    if (status == 0) {
        status = run(&fake, &signals);
    }
    fake_done(&fake);
    return status;
}
