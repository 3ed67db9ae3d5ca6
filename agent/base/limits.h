/* Every limit of the program in one table. Whatever a peer, a template or a user
 * controls is bounded here; sizes are bytes unless the name says otherwise. */
#pragma once

enum {
    /* Template and its neighbours. */
    LIMIT_TEMPLATE_FILE = 1 << 20, /* template.yaml, and each templateFile */
    LIMIT_TEMPLATE_DEPTH = 32,     /* nested YAML collections */
    LIMIT_TEMPLATE_NODES = 200000, /* YAML scalars and collections */
    LIMIT_FINDINGS = 64,           /* mistakes reported in one run */
    LIMIT_PATH_DEPTH = 16,         /* components of a published file's path */
    LIMIT_NAME = 255,              /* one component (NAME_MAX) */
    LIMIT_REFERENCE = 1024,        /* the text of one secret reference */
    LIMIT_TREE_PATH = 4096,        /* keys of a subtree, joined: db.hosts[0].name */
    LIMIT_VARIABLE = 128 << 10,    /* NAME=value and NUL: MAX_ARG_STRLEN of Linux's execve(2) */

    /* Connect. */
    LIMIT_TOKEN = 64 << 10,     /* a token is about 1.7 kB */
    LIMIT_TOKEN_SHORTEST = 200, /* shorter than any signed JWT of Connect: cut off */
    LIMIT_JSON_BODY = 16 << 20, /* one list or one item */
    LIMIT_JSON_DEPTH = 64,
    LIMIT_ATTACHMENT = 32 << 20,     /* one file of an item */
    LIMIT_HEADERS = 64 << 10,        /* all headers of one answer */
    LIMIT_IN_FLIGHT = 8,             /* requests, and connections, at once */
    LIMIT_RETRY_AFTER_SECONDS = 600, /* a longer Retry-After is cut to this */

    /* What is published. */
    LIMIT_OUTPUT_FILE = 64 << 20, /* one rendered file */

    /* Who asks for metrics and health. */
    LIMIT_PAGE = 256 << 10,        /* one answer */
    LIMIT_PAGE_REQUEST = 16 << 10, /* memory of one connection */
    LIMIT_PAGE_CONNECTIONS = 16,   /* at once */
    LIMIT_PAGE_SECONDS = 10,       /* of one connection */

    /* The application. */
    LIMIT_MASK = 16 << 20,       /* lines to be masked, and output that waits */
    LIMIT_HOOK_ANSWER = 1 << 20, /* body of the answer to an HTTP hook, which is not looked at */

    /* Messages. */
    LIMIT_MESSAGE = 1024, /* one error with all its context */
    LIMIT_LOG_LINE = 8192,
};
