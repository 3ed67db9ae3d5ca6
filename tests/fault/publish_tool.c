/* Publishes one of two built-in sets, for tests that kill it or fail its system calls.
 *
 * usage: publish-tool DIR atomic|plain 1|2
 *        publish-tool DIR atomic|plain --swap N     N publications of set 2 and 1 in turn
 *
 * The sets share app.env, tls/server.crt and tls/server.key with other bytes; old.env and
 * only1/a are in set 1, new.env and only2/b in set 2. Every file says its name and set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "model/generation.h"
#include "model/template.h"
#include "publish/publish.h"

enum { FILES = 5, FILE_LARGEST = 256 };

static const char *const paths[2][FILES] = {
    {"app.env", "old.env", "only1/a", "tls/server.crt", "tls/server.key"},
    {"app.env", "new.env", "only2/b", "tls/server.crt", "tls/server.key"},
};

static bool add(struct generation *generation, const char *path, unsigned set, struct error *err)
{
    char text[FILE_LARGEST];
    int size = snprintf(text, sizeof(text), "%s of set %u\n", path, set);
    struct secret *bytes = secret_new(FILE_LARGEST);
    if (!bytes) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!secret_append(bytes, (struct str){text, (size_t)size}, err)) {
        secret_free(bytes);
        return false;
    }
    generation_add(generation, &(struct generation_file){path, 0400, (uid_t)OWNER_UNSET,
                                                         (gid_t)OWNER_UNSET, bytes});
    return true;
}

static bool publish(const struct output *output, const struct generation *generation,
                    struct error *err)
{
    struct publication *publication = NULL;
    bool ok =
        publish_stage(output, generation, &publication, err) && publish_commit(publication, err);
    publish_free(publication);
    return ok;
}

static bool publish_set(const struct output *output, unsigned set, struct error *err)
{
    struct generation generation;
    if (!generation_init(&generation, FILES, err)) {
        return false;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < FILES; i++) {
        ok = add(&generation, paths[set - 1][i], set, err);
    }
    ok = ok && publish(output, &generation, err);
    generation_done(&generation);
    return ok;
}

static bool publish_sets(const struct output *output, char **arguments, struct error *err)
{
    if (strcmp(arguments[0], "--swap") != 0) {
        return publish_set(output, arguments[0][0] == '1' ? 1 : 2, err);
    }
    unsigned long count = strtoul(arguments[1], NULL, 10);
    for (unsigned long i = 0; i < count; i++) {
        if (!publish_set(output, i % 2 == 0 ? 2 : 1, err)) {
            return false;
        }
    }
    return true;
}

int main(int count, char **arguments)
{
    struct error err;
    if (count != 4 && count != 5) {
        fputs("usage: publish-tool DIR atomic|plain 1|2|--swap N\n", stderr);
        return EX_USAGE;
    }
    struct output output = {
        .directory = arguments[1],
        .layout = strcmp(arguments[2], "plain") == 0 ? LAYOUT_PLAIN : LAYOUT_ATOMIC,
        .directory_mode = 0750,
        .uid = (uid_t)OWNER_UNSET,
        .gid = (gid_t)OWNER_UNSET,
        .allow_disk = true,
    };
    if (!publish_sets(&output, arguments + 3, &err)) {
        fprintf(stderr, "publish-tool: %s\n", err.message);
        return error_describe(err.code)->exit_status;
    }
    return EX_OK;
}
