#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: fake-connect --fixture FILE [OPTION...]\n"
    "  --fixture FILE          what to serve (YAML)\n"
    "  --listen ADDR:PORT      default 127.0.0.1:8080; port 0 takes any\n"
    "  --port-file FILE        gets the bound port once the server accepts\n"
    "  --tls-directory DIR     serve TLS; DIR gets ca.pem and server, client .pem and .key\n"
    "  --tls-name NAME         one more name or address of the certificate (repeatable)\n"
    "  --tls-client-ca FILE    demand a client certificate of this CA (DIR/ca.pem will do)\n"
    "  --token-directory DIR   gets a file with the token for each of the fixture's\n"
    "  --keep-tokens           take the tokens that are in DIR, as after a restart\n"
    "  --log FILE              gets a JSON line for each request\n"
    "  --version-header X      the Connect version to tell, empty for no header\n"
    "  --path-prefix /PATH     serve the API below this path, as behind an ingress\n"
    "  --spec-types            only field types of the published OpenAPI file (TOTP for OTP)\n"
    "  --terse-vaults          the list of vaults has only ids and names\n";

enum {
    OPTION_FIXTURE = 256,
    OPTION_LISTEN,
    OPTION_PORT_FILE,
    OPTION_TLS_DIRECTORY,
    OPTION_TLS_NAME,
    OPTION_TLS_CLIENT_CA,
    OPTION_TOKEN_DIRECTORY,
    OPTION_KEEP_TOKENS,
    OPTION_LOG,
    OPTION_VERSION_HEADER,
    OPTION_PATH_PREFIX,
    OPTION_SPEC_TYPES,
    OPTION_TERSE_VAULTS,
    OPTION_HELP
};

static const struct option table[] = {
    {"fixture", required_argument, NULL, OPTION_FIXTURE},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"port-file", required_argument, NULL, OPTION_PORT_FILE},
    {"tls-directory", required_argument, NULL, OPTION_TLS_DIRECTORY},
    {"tls-name", required_argument, NULL, OPTION_TLS_NAME},
    {"tls-client-ca", required_argument, NULL, OPTION_TLS_CLIENT_CA},
    {"token-directory", required_argument, NULL, OPTION_TOKEN_DIRECTORY},
    {"keep-tokens", no_argument, NULL, OPTION_KEEP_TOKENS},
    {"log", required_argument, NULL, OPTION_LOG},
    {"version-header", required_argument, NULL, OPTION_VERSION_HEADER},
    {"path-prefix", required_argument, NULL, OPTION_PATH_PREFIX},
    {"spec-types", no_argument, NULL, OPTION_SPEC_TYPES},
    {"terse-vaults", no_argument, NULL, OPTION_TERSE_VAULTS},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

/* Borrowed: where the option's text goes, or NULL for one that has none. */
static const char **text_of(struct options *options, int option)
{
    switch (option) {
    case OPTION_FIXTURE:
        return &options->fixture;
    case OPTION_LISTEN:
        return &options->listen;
    case OPTION_PORT_FILE:
        return &options->port_file;
    case OPTION_TLS_DIRECTORY:
        return &options->tls_directory;
    case OPTION_TLS_NAME:
        return options->n_tls_names < OPTIONS_TLS_NAMES_MAX
                   ? &options->tls_names[options->n_tls_names++]
                   : NULL;
    case OPTION_TLS_CLIENT_CA:
        return &options->tls_client_ca;
    case OPTION_TOKEN_DIRECTORY:
        return &options->token_directory;
    case OPTION_LOG:
        return &options->log;
    case OPTION_VERSION_HEADER:
        return &options->version;
    case OPTION_PATH_PREFIX:
        return &options->path_prefix;
    default:
        return NULL;
    }
}

/* NULL, or what is wrong. */
static const char *check(const struct options *options)
{
    if (options->fixture == NULL) {
        return "--fixture is wanted";
    }
    if ((options->tls_client_ca != NULL || options->n_tls_names > 0) &&
        options->tls_directory == NULL) {
        return "--tls-name and --tls-client-ca need --tls-directory";
    }
    if (options->keep_tokens && options->token_directory == NULL) {
        return "--keep-tokens needs --token-directory";
    }
    size_t n = strlen(options->path_prefix);
    if (n > 0 && (options->path_prefix[0] != '/' || options->path_prefix[n - 1] == '/')) {
        return "--path-prefix begins with a slash and does not end with one";
    }
    return NULL;
}

int options_parse(struct options *options, int argc, char **argv)
{
    *options = (struct options){.listen = "127.0.0.1:8080", .version = "1.7.3", .path_prefix = ""};
    int option;
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        const char **text = text_of(options, option);
        if (text != NULL) {
            *text = optarg;
        } else if (option == OPTION_KEEP_TOKENS) {
            options->keep_tokens = true;
        } else if (option == OPTION_SPEC_TYPES) {
            options->spec_types = true;
        } else if (option == OPTION_TERSE_VAULTS) {
            options->terse_vaults = true;
        } else if (option == OPTION_HELP) {
            fputs(usage, stdout);
            return 0;
        } else {
            fputs(usage, stderr);
            return 2;
        }
    }
    const char *wrong = optind < argc ? "only options are wanted" : check(options);
    if (wrong != NULL) {
        fprintf(stderr, "fake-connect: %s\n%s", wrong, usage);
        return 2;
    }
    return -1;
}
