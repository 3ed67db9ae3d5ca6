#include "io/stash.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

static void expect_round_trip(size_t size)
{
    struct stash stash;
    struct error error;
    SECRET_AUTO in = secret_new(1 << 22);
    SECRET_AUTO out = secret_new(1 << 22);
    cr_assert(in && out && secret_resize(in, size, &error));
    for (size_t i = 0; i < size; i++) {
        secret_bytes(in)[i] = (char)(i * 7);
    }
    stash_init(&stash);
    cr_assert(stash_put(&stash, in, &error), "%s", error.message);
    cr_assert(stash_get(&stash, out, &error) && secret_equal(in, out));
    cr_assert(stash_get(&stash, out, &error) && secret_size(out) == 2 * size, "it is still there");
    stash_done(&stash);
    cr_assert(stash_get(&stash, out, &error) && secret_size(out) == 2 * size, "it is gone");
}

Test(stash, gives_back_what_was_put_away)
{
    const size_t sizes[] = {0, 1, 4095, 4096, 4097, 1000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        expect_round_trip(sizes[i]);
    }
}

/* Secret memory counts as locked; when that is used up, an anonymous file will do. */
Test(stash, does_without_secret_memory)
{
    const struct rlimit none = {0, 0};
    cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    expect_round_trip(100000);
}

Test(stash, keeps_only_the_last)
{
    struct stash stash;
    struct error error;
    SECRET_AUTO one = secret_new(10);
    SECRET_AUTO two = secret_new(10);
    SECRET_AUTO out = secret_new(10);
    cr_assert(secret_append(one, str_from("first"), &error) &&
              secret_append(two, str_from("2nd"), &error));
    stash_init(&stash);
    cr_assert(stash_put(&stash, one, &error) && stash_put(&stash, two, &error));
    cr_assert(stash_get(&stash, out, &error) && secret_equal(out, two));
    stash_done(&stash);
}

/* The manual page has another name for the flag than the kernel, and a wrong one looks like a
 * kernel without. */
Test(stash, uses_secret_memory_where_there_is_some)
{
    struct stash stash;
    struct error error;
    SECRET_AUTO in = secret_new(64);
    int fd = (int)syscall(SYS_memfd_secret, 0);
    if (fd < 0) {
        cr_skip("this kernel has no secret memory");
    }
    close(fd);
    cr_assert(in && secret_append(in, str_from("canary"), &error));
    stash_init(&stash);
    cr_assert(stash_put(&stash, in, &error) && stash.mapped);
    cr_assert_eq(fcntl(stash.fd, F_GETFD), FD_CLOEXEC);
    stash_done(&stash);
}
