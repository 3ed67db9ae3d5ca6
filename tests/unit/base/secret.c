#include "base/secret.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seed.h"

static struct secret *make(const char *text)
{
    struct error error;
    struct secret *secret = secret_new(1 << 20);
    cr_assert(secret && secret_append(secret, str_from(text), &error));
    return secret;
}

Test(secret, freed_bytes_are_wiped)
{
    struct secret *other = make("keeps the pages mapped");
    struct secret *secret = make("canary-in-memory");
    const char *bytes = secret_bytes(secret);
    secret_free(secret);
    for (size_t i = 0; i < sizeof("canary-in-memory"); i++) {
        cr_expect_eq(bytes[i] == 'c' || bytes[i] == 'y', 0);
    }
    secret_free(other);
}

Test(secret, growing_wipes_what_it_leaves)
{
    struct error error;
    struct secret *secret = make("canary-that-moves");
    const char *old = secret_bytes(secret);
    for (int i = 0; i < 1000; i++) {
        cr_assert(secret_append(secret, str_from("0123456789"), &error));
    }
    cr_expect_neq(old, secret_bytes(secret));
    cr_expect_null(memmem(old, 17, "canary", 6));
    cr_expect(str_starts(secret_str(secret), "canary-that-moves0123"));
    secret_free(secret);
}

Test(secret, nothing_is_mapped_when_nothing_is_in_use)
{
    struct secret *small = make("x");
    struct error error;
    struct secret *large = make("");
    cr_assert(secret_resize(large, 500000, &error));
    cr_expect_gt(secret_mapped(), 500000);
    secret_free(small);
    secret_free(large);
    cr_expect_eq(secret_in_use(), 0);
    cr_expect_eq(secret_mapped(), 0);
}

Test(secret, a_forked_child_finds_it_empty)
{
    struct secret *secret = make("canary");
    const char *bytes = secret_bytes(secret);
    int status;
    pid_t child = fork();
    if (child == 0) {
        _exit(bytes[0] == '\0' ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    secret_free(secret);
}

/* VmFlags of the mapping that holds `address`. */
static void read_flags(const void *address, char *flags, size_t size)
{
    char line[512];
    bool inside = false;
    FILE *file = fopen("/proc/self/smaps", "r");
    cr_assert(file);
    flags[0] = '\0';
    while (fgets(line, sizeof(line), file)) {
        unsigned long from, to;
        /* NOLINTNEXTLINE(cert-err34-c): the kernel writes these */
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            inside = (unsigned long)address >= from && (unsigned long)address < to;
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            snprintf(flags, size, "%s", line);
        }
    }
    fclose(file);
}

Test(secret, pages_are_left_out_of_dumps_and_forks)
{
    char flags[512];
    struct secret *secret = make("canary");
    read_flags(secret_bytes(secret), flags, sizeof(flags));
    cr_expect(strstr(flags, " dd"), "%s", flags); /* MADV_DONTDUMP */
    cr_expect(strstr(flags, " wf"), "%s", flags); /* MADV_WIPEONFORK */
    secret_free(secret);
}

Test(secret, limit_holds_and_leaves_the_content)
{
    struct error error;
    struct secret *secret = secret_new(4);
    cr_expect(secret_append(secret, str_from("1234"), &error));
    cr_expect_not(secret_append(secret, str_from("5"), &error));
    cr_expect_eq(error.code, ERROR_CONTENT);
    cr_expect(str_is(secret_str(secret), "1234"));
    secret_free(secret);
}

Test(secret, allocator_survives_random_use)
{
    unsigned seed = seed_of_run();
    char *blocks[64] = {0};
    size_t sizes[64] = {0};
    for (int round = 0; round < 20000; round++) {
        size_t at = (size_t)rand_r(&seed) % 64;
        for (size_t i = 0; i < sizes[at]; i++) {
            cr_assert_eq(blocks[at][i], (char)at);
        }
        sizes[at] = (size_t)rand_r(&seed) % (rand_r(&seed) % 50 ? 300 : 90000);
        blocks[at] = secret_realloc(
            rand_r(&seed) % 2 ? blocks[at] : (secret_release(blocks[at]), NULL), sizes[at]);
        cr_assert(blocks[at]);
        memset(blocks[at], (int)at, sizes[at]);
    }
    for (size_t i = 0; i < 64; i++) {
        secret_release(blocks[i]);
    }
    cr_expect_eq(secret_mapped(), 0);
}
