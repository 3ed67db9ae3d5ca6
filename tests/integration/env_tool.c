/* env-tool DIALECT < pairs: renders NAME and value pairs, each ended by NUL, as an env file on
 * stdout; status 65 and the reason on stderr when the dialect cannot carry them. For tests with the
 * real consumers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/env.h"

enum { INPUT = 1 << 20, ENTRIES = 4096 };

static char input[INPUT];
static struct env_entry entries[ENTRIES];

static size_t take_entries(size_t size)
{
    size_t count = 0;
    struct error error;
    for (char *at = input; at < input + size; count++) {
        char *value = at + strlen(at) + 1;
        struct secret *secret = secret_new(INPUT);
        if (count == ENTRIES || !secret || !secret_append(secret, str_from(value), &error)) {
            abort();
        }
        entries[count] = (struct env_entry){at, secret};
        at = value + strlen(value) + 1;
    }
    return count;
}

static void release_entries(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct secret *secret;
        memcpy(&secret, &entries[i].value, sizeof(struct secret *));
        secret_free(secret);
    }
}

int main(int argc, char *argv[])
{
    enum dialect dialect;
    struct error error;
    size_t wrong;
    if (argc != 2 || !dialect_find(str_from(argv[1]), &dialect)) {
        return 64;
    }
    size_t count = take_entries(fread(input, 1, INPUT - 2, stdin));
    struct secret *text = secret_new((size_t)16 * INPUT);
    bool ok = env_render(dialect, entries, count, text, &wrong, &error);
    if (ok) {
        fwrite(secret_bytes(text), 1, secret_size(text), stdout);
    } else {
        fprintf(stderr, "%s\n", error.message);
    }
    secret_free(text);
    release_entries(count);
    return ok ? 0 : 65;
}
