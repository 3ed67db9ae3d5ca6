#include "io/stash.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
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

static void fill(struct secret *bytes, const char *text)
{
    struct error error;
    cr_assert(bytes && secret_resize(bytes, 0, &error) &&
              secret_append(bytes, str_from(text), &error));
}

/* Without a descriptor neither kind of memory can be had. */
static void allow_descriptors(bool any)
{
    static struct rlimit usual;
    if (!any) {
        cr_assert_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
    }
    const struct rlimit limit = {any ? usual.rlim_cur : 0, usual.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

Test(stash, replace_keeps_what_was_there_when_the_new_cannot_be_put_away)
{
    struct stash stash;
    struct error error = {0};
    SECRET_AUTO in = secret_new(32);
    SECRET_AUTO out = secret_new(32);
    stash_init(&stash);
    fill(in, "before");
    cr_assert(stash_replace(&stash, in, &error), "%s", error.message);
    fill(in, "canary after");
    allow_descriptors(false);
    cr_assert_not(stash_replace(&stash, in, &error));
    allow_descriptors(true);
    cr_assert_eq(error.code, ERROR_MEMORY);
    cr_assert_null(strstr(error.message, "canary"));
    cr_assert(stash_get(&stash, out, &error) && str_equal(secret_str(out), str_from("before")));
    stash_done(&stash);
}

Test(stash, open_shows_it_in_its_place_until_close)
{
    struct stash stash;
    struct error error = {0};
    struct str bytes = {"", 1};
    SECRET_AUTO in = secret_new(32);
    stash_init(&stash);
    cr_assert(stash_open(&stash, &bytes, &error) && bytes.size == 0, "of an empty one");
    stash_close(bytes);
    fill(in, "canary");
    for (int i = 0; i < 3; i++) {
        cr_assert(stash_put(&stash, in, &error) && stash_open(&stash, &bytes, &error));
        cr_assert(str_equal(bytes, str_from("canary")));
        stash_close(bytes);
        unsigned char unused;
        cr_expect(mincore((void *)(uintptr_t)bytes.bytes, 1, &unused) < 0 && errno == ENOMEM,
                  "nothing is mapped there any more");
    }
    close(stash.fd);
    cr_expect_not(stash_open(&stash, &bytes, &error));
    cr_expect_eq(error.code, ERROR_MEMORY);
}

/* The other one: whoever calls it wants the old bytes gone in any case. */
Test(stash, put_leaves_nothing_behind_when_it_fails)
{
    struct stash stash;
    struct error error = {0};
    SECRET_AUTO in = secret_new(32);
    SECRET_AUTO out = secret_new(32);
    stash_init(&stash);
    fill(in, "before");
    cr_assert(stash_put(&stash, in, &error));
    allow_descriptors(false);
    cr_assert_not(stash_put(&stash, in, &error));
    allow_descriptors(true);
    cr_assert(stash_get(&stash, out, &error) && secret_size(out) == 0);
    stash_done(&stash);
}

Test(stash, replace_keeps_one_descriptor_and_only_the_last)
{
    struct stash stash;
    struct error error = {0};
    SECRET_AUTO in = secret_new(32);
    SECRET_AUTO out = secret_new(32);
    stash_init(&stash);
    int expected = dup(0);
    close(expected);
    fill(in, "before");
    cr_assert(stash_replace(&stash, in, &error));
    int old = stash.fd;
    fill(in, "after");
    cr_assert(stash_replace(&stash, in, &error));
    cr_assert_eq(fcntl(old, F_GETFD), -1);
    cr_assert(stash_get(&stash, out, &error) && str_equal(secret_str(out), str_from("after")));
    fill(in, "");
    cr_assert(stash_replace(&stash, in, &error) && stash.fd == -1);
    cr_assert_eq(dup(0), expected);
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
    cr_assert(stash_put(&stash, in, &error));
    char link[64], target[64] = "";
    snprintf(link, sizeof(link), "/proc/self/fd/%d", stash.fd);
    cr_assert_gt(readlink(link, target, sizeof(target) - 1), 0);
    cr_expect(strstr(target, "secretmem"), "%s", target);
    cr_assert_eq(fcntl(stash.fd, F_GETFD), FD_CLOEXEC);
    stash_done(&stash);
}
