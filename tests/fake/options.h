#pragma once
/* The command line. */

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_TLS_NAMES_MAX 32

/* All texts are borrowed from argv. NULL where an option was not given. */
struct options {
    const char *fixture;
    const char *listen; /* ADDR:PORT */
    const char *port_file;
    const char *tls_directory;
    const char *tls_client_ca;
    const char *tls_names[OPTIONS_TLS_NAMES_MAX];
    size_t n_tls_names;
    const char *token_directory;
    const char *log;
    const char *version;     /* of Connect, "" sends no header */
    const char *path_prefix; /* "" or begins with a slash */
    bool keep_tokens;
    bool spec_types;
    bool terse_vaults;
};

/* Returns -1 to go on, or the exit status after --help (0) or a mistake (2, with a message). */
int options_parse(struct options *options, int argc, char **argv);
