#include "render/needles.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "seed.h"

static struct secret *make(const struct str lines[], size_t count)
{
    struct error error;
    struct secret *table = secret_new(LIMIT_MASK);
    cr_assert(table && needles_make(lines, count, table, &error), "%s", error.message);
    return table;
}

Test(needles, without_lines_there_is_nothing_to_see)
{
    SECRET_AUTO table = make(NULL, 0);
    cr_expect_eq(secret_size(table), 0);
    const struct needles needles = needles_open(secret_str(table));
    cr_expect_eq(needles_next(&needles, str_from("anything"), 2), 8);
    struct sight sight = needles_look(&needles, str_from("anything"));
    cr_expect(sight.longest == 0 && !sight.is_open);
    cr_expect_not(needles_have(&needles, str_from("anything")));
}

Test(needles, are_in_order_and_each_once)
{
    const struct str lines[] = {str_from("swordfish"), str_from("herring"), str_from("sword"),
                                str_from("herring"), str_from("swordfish")};
    const char *const expected[] = {"herring", "sword", "swordfish"};
    SECRET_AUTO table = make(lines, sizeof(lines) / sizeof(lines[0]));
    const struct needles needles = needles_open(secret_str(table));
    cr_assert_eq(needles.count, 3);
    for (size_t i = 0; i < 3; i++) {
        cr_expect(str_is(needles_line(&needles, i), expected[i]));
        cr_expect(needles_have(&needles, str_from(expected[i])));
    }
    const char *const others[] = {"herrin", "herrings", "swordfis", "aaaa", "zzzz"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        cr_expect_not(needles_have(&needles, str_from(others[i])), "%s", others[i]);
    }
}

/* A table is looked at where it lies, and may have been copied there. */
Test(needles, a_copy_of_the_table_is_as_good)
{
    const struct str line = {"sword\0fish", 10};
    SECRET_AUTO table = make(&line, 1);
    char *copy = malloc(secret_size(table));
    memcpy(copy, secret_bytes(table), secret_size(table));
    const struct needles needles = needles_open((struct str){copy, secret_size(table)});
    cr_expect_eq(needles_look(&needles, (struct str){"sword\0fishes", 12}).longest, 10);
    cr_expect_eq(needles_look(&needles, (struct str){"sword\0fish", 10}).longest, 10);
    cr_expect_eq(needles_look(&needles, str_from("sword fish")).longest, 0);
    cr_expect(needles_look(&needles, (struct str){"sword\0", 6}).is_open);
    free(copy);
}

/* Else every place would cost a search, and touch pages all over the table. */
Test(needles, most_places_of_other_text_are_passed_over)
{
    static char bytes[20000][16], text[100000];
    static struct str lines[20000];
    unsigned seed = seed_of_run();
    for (size_t i = 0; i < 20000; i++) {
        for (size_t j = 0; j < sizeof(bytes[i]); j++) {
            bytes[i][j] = (char)rand_r(&seed);
        }
        lines[i] = (struct str){bytes[i], sizeof(bytes[i])};
    }
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)rand_r(&seed);
    }
    SECRET_AUTO table = make(lines, 20000);
    const struct needles needles = needles_open(secret_str(table));
    const struct str all = {text, sizeof(text)};
    size_t stops = 0;
    for (size_t at = needles_next(&needles, all, 0); at < all.size;
         at = needles_next(&needles, all, at + 1)) {
        stops++;
    }
    cr_expect_lt(stops, sizeof(text) / 50);
}

Test(needles, a_table_that_is_full_is_an_error)
{
    struct error error = {.message = ""};
    const struct str line = str_from("canary");
    for (size_t limit = 0; limit < 80; limit += 7) {
        SECRET_AUTO table = secret_new(limit);
        cr_expect_not(needles_make(&line, 1, table, &error));
        cr_expect(strstr(error.message, "larger than the limit"), "%s", error.message);
    }
}

/* --- against the plainest way to say the same --- */

static struct sight look_plainly(const struct str lines[], size_t count, struct str here)
{
    struct sight sight = {0, false};
    for (size_t i = 0; i < count; i++) {
        size_t size = lines[i].size < here.size ? lines[i].size : here.size;
        if (memcmp(lines[i].bytes, here.bytes, size) != 0) {
            continue;
        }
        sight.is_open = sight.is_open || lines[i].size > here.size;
        if (lines[i].size <= here.size && lines[i].size > sight.longest) {
            sight.longest = lines[i].size;
        }
    }
    return sight;
}

enum { LINES_MOST = 400, TEXT = 300 };

/* Few letters, so that lines begin with each other in long chains; bytes of either sign. */
static size_t make_up(char *bytes, size_t least, size_t most, int letters, unsigned *seed)
{
    static const char alphabet[] = "a\xff\0b";
    size_t size = least + (size_t)rand_r(seed) % (most - least + 1);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = alphabet[rand_r(seed) % letters];
    }
    return size;
}

Test(needles, see_the_same_as_the_plainest_way_at_every_place)
{
    unsigned seed = seed_of_run();
    size_t seen = 0, open = 0;
    for (int round = 0; round < 400; round++) {
        static char bytes[LINES_MOST][24];
        struct str lines[LINES_MOST];
        char text[TEXT];
        int letters = 1 + round % 4;
        size_t count = 1 + (size_t)rand_r(&seed) % (round % 2 ? 8 : LINES_MOST);
        for (size_t i = 0; i < count; i++) {
            size_t size = make_up(bytes[i], NEEDLES_SHORTEST, sizeof(bytes[i]), letters, &seed);
            lines[i] = (struct str){bytes[i], size};
        }
        size_t size = make_up(text, TEXT / 2, TEXT, letters, &seed);
        SECRET_AUTO table = make(lines, count);
        const struct needles needles = needles_open(secret_str(table));
        for (size_t at = 0; at < size; at++) {
            const struct str here = {text + at, size - at};
            struct sight expected = look_plainly(lines, count, here);
            struct sight got = needles_look(&needles, here);
            bool is_passed = needles_next(&needles, (struct str){text, size}, at) > at;
            cr_assert(!is_passed || (expected.longest == 0 && !expected.is_open));
            cr_assert(got.longest == expected.longest && got.is_open == expected.is_open,
                      "round %d at %zu", round, at);
            seen += got.longest > 0;
            open += got.is_open;
        }
    }
    cr_expect(seen > 1000 && open > 100, "%zu, %zu: nothing was tested", seen, open);
}
