#include "watch/digest.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The example of the SipHash paper: key 00 01 … 0f, message 00 01 … 0e. */
Test(digest, is_siphash_2_4)
{
    const struct digest_key key = {{0x0706050403020100u, 0x0f0e0d0c0b0a0908u}};
    char message[15];
    for (size_t i = 0; i < sizeof(message); i++) {
        message[i] = (char)i;
    }
    cr_expect_eq(digest_bytes(&key, (struct str){message, sizeof(message)}), 0xa129ca6149be45e5u);
    cr_expect_eq(digest_bytes(&key, (struct str){message, 0}), 0x726fdb47dd0e0e31u);
    cr_expect_eq(digest_bytes(&key, (struct str){message, 8}), 0x93f5f5799a932462u);
}

Test(digest, of_a_file_follows_its_content_and_no_other)
{
    const struct digest_key key = {{1, 2}};
    const struct digest_key other = {{1, 3}};
    char path[] = "/tmp/digest-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, "token", 5) == 5);
    uint64_t before = digest_file(&key, path);
    cr_expect(before != 0 && before == digest_file(&key, path));
    cr_expect(before != digest_file(&other, path), "it is keyed");
    cr_assert(write(fd, "!", 1) == 1);
    cr_expect(before != digest_file(&key, path));
    close(fd);
    unlink(path);
    cr_expect_eq(digest_file(&key, path), 0, "what is not there has one too");
    cr_expect_eq(digest_file(&key, "/tmp"), 0, "a directory is not read");
}
