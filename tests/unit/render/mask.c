#include "render/mask.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/limits.h"
#include "seed.h"

static struct secret *seal(const struct secret *set)
{
    struct error error;
    struct secret *table = secret_new(MASK_TABLE);
    cr_assert(table && mask_seal(set, table, &error), "%s", error.message);
    return table;
}

static struct secret *set_of(const char *const values[], size_t count)
{
    struct error error;
    size_t skipped = 0;
    struct secret *set = secret_new(LIMIT_MASK);
    for (size_t i = 0; i < count; i++) {
        cr_assert(mask_add(set, str_from(values[i]), &skipped, &error));
    }
    return set;
}

/* Gives the text in pieces of `piece` bytes. */
static struct secret *mask_in_pieces(const struct secret *set, struct str text, size_t piece)
{
    struct error error;
    struct mask mask = {0};
    struct secret *into = secret_new(LIMIT_MASK);
    SECRET_AUTO table = seal(set);
    for (size_t at = 0; at < text.size; at += piece) {
        size_t to = at + piece < text.size ? at + piece : text.size;
        cr_assert(
            mask_apply(&mask, secret_str(table), str_slice(text, at, to), false, into, &error));
    }
    cr_assert(mask_apply(&mask, secret_str(table), (struct str){NULL, 0}, true, into, &error));
    cr_assert_null(mask.held);
    mask_done(&mask);
    return into;
}

static void expect(const char *const values[], size_t count, const char *text, const char *expected)
{
    SECRET_AUTO set = set_of(values, count);
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        SECRET_AUTO got = mask_in_pieces(set, str_from(text), piece);
        cr_expect_str_eq(secret_bytes(got), expected, "in pieces of %zu: %s", piece, text);
    }
}

#define VALUES(...)                                                                                \
    (const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)
#define X MASK_TEXT

Test(mask, conceals_values_however_the_stream_is_cut)
{
    expect(VALUES("swordfish"), "a swordfish, sword, swordfis", "a " X ", sword, swordfis");
    expect(VALUES("swordfish"), "swordswordfish swordfishfish", "sword" X " " X "fish");
    expect(VALUES("swordfish"), "swordfishswordfish", X X);
    expect(VALUES("aaaa"), "aaaaaa aaa", X " aaa");
    expect(VALUES("swordfish", "fishbone"), "swordfishbone", X);
    expect(VALUES("sword", "swordfish"), "swordfish swordfis", X " " X "fis");
    expect(VALUES("swordfish", "ordf"), "sword swordf ordf", "sword sw" X " " X);
    expect(VALUES("abcdefgh", "cdef"), "abcdefg", "ab" X "g");
}

Test(mask, conceals_each_line_of_a_key)
{
    const char *key = "-----BEGIN KEY-----\r\nMIIabcd\nMIIefgh\nab\n-----END KEY-----\n";
    expect(VALUES(key), "1 MIIabcd\n2 MIIefgh\n3 ab\n-----END KEY-----\n",
           "1 " X "\n2 " X "\n3 ab\n" X "\n");
}

Test(mask, lets_short_values_through_and_counts_them)
{
    struct error error;
    size_t skipped = 0;
    SECRET_AUTO set = secret_new(LIMIT_MASK);
    cr_assert(mask_add(set, str_from("abc"), &skipped, &error) && skipped == 1);
    cr_assert(mask_add(set, str_from("\n\n1\n"), &skipped, &error) && skipped == 2);
    cr_assert(mask_add(set, str_from(""), &skipped, &error) && skipped == 2);
    cr_assert(mask_add(set, str_from("abcd\n1"), &skipped, &error) && skipped == 2);
    SECRET_AUTO got = mask_in_pieces(set, str_from("abc abcd 1"), 3);
    cr_expect_str_eq(secret_bytes(got), "abc " X " 1");
}

Test(mask, holds_nothing_back_that_cannot_become_a_value)
{
    struct error error;
    struct mask mask = {0};
    SECRET_AUTO set = set_of((const char *const[]){"swordfish"}, 1);
    SECRET_AUTO table = seal(set);
    SECRET_AUTO into = secret_new(LIMIT_MASK);
    cr_assert(mask_apply(&mask, secret_str(table), str_from("Name: "), false, into, &error));
    cr_expect_str_eq(secret_bytes(into), "Name: ");
    cr_assert(mask_apply(&mask, secret_str(table), str_from("as swor"), false, into, &error));
    cr_expect_str_eq(secret_bytes(into), "Name: as ");
    cr_assert(mask_apply(&mask, secret_str(table), str_from(" swore"), false, into, &error));
    cr_expect_str_eq(secret_bytes(into), "Name: as swor swore");
    mask_done(&mask);
}

Test(mask, older_values_stay_masked_and_are_there_once)
{
    struct error error;
    SECRET_AUTO old = set_of((const char *const[]){"swordfish", "herring"}, 2);
    SECRET_AUTO new = set_of((const char *const[]){"swordfish", "mackerel"}, 2);
    SECRET_AUTO table = seal(old);
    cr_assert(mask_add_older(new, secret_str(table), &error));
    cr_expect_eq(secret_size(new), 3 * sizeof(uint32_t) + strlen("swordfish"
                                                                 "mackerel"
                                                                 "herring"));
    SECRET_AUTO got = mask_in_pieces(new, str_from("herring mackerel swordfish"), 5);
    cr_expect_str_eq(secret_bytes(got), X " " X " " X);
}

Test(mask, a_value_longer_than_any_buffer_is_concealed_in_pieces)
{
    struct error error;
    size_t skipped = 0, size = 3 * (size_t)MASK_LONGEST + 100;
    char *value = malloc(size);
    SECRET_AUTO set = secret_new(LIMIT_MASK);
    for (size_t i = 0; i < size; i++) {
        value[i] = (char)('a' + (i * i / 7 + i / MASK_LONGEST) % 26);
    }
    cr_assert(mask_add(set, (struct str){value, size}, &skipped, &error));
    SECRET_AUTO got = mask_in_pieces(set, (struct str){value, size}, 10000);
    cr_expect_str_eq(secret_bytes(got), X X X X);
    free(value);
}

/* --- against the plainest way to say the same --- */

static void conceal_plainly(const char *const values[], size_t count, struct str text,
                            struct secret *into)
{
    struct error error;
    size_t covered = 0;
    for (size_t at = 0; at < text.size; at++) {
        size_t longest = 0;
        for (size_t i = 0; i < count; i++) {
            size_t size = strlen(values[i]);
            if (size <= text.size - at && memcmp(values[i], text.bytes + at, size) == 0 &&
                size > longest) {
                longest = size;
            }
        }
        if (longest > 0 && at >= covered) {
            cr_assert(secret_append(into, str_from(X), &error));
        }
        covered = at + longest > covered ? at + longest : covered;
        if (at >= covered) {
            cr_assert(secret_append(into, str_slice(text, at, at + 1), &error));
        }
    }
}

enum { ROUNDS = 4000, VALUES_MOST = 200, FEW = 6, SIZE_MOST = 60 };

Test(mask, says_the_same_as_the_plainest_way)
{
    unsigned seed = seed_of_run();
    for (int round = 0; round < ROUNDS; round++) {
        char made[VALUES_MOST][12], text[SIZE_MOST];
        const char *values[VALUES_MOST];
        size_t count = 1 + (size_t)rand_r(&seed) % (round % 16 ? FEW : VALUES_MOST),
               size = (size_t)rand_r(&seed) % SIZE_MOST;
        for (size_t i = 0; i < count; i++) {
            size_t length = MASK_SHORTEST + (size_t)rand_r(&seed) % 7;
            for (size_t j = 0; j < length; j++) {
                made[i][j] = (char)('a' + rand_r(&seed) % 2);
            }
            made[i][length] = '\0';
            values[i] = made[i];
        }
        for (size_t i = 0; i < size; i++) {
            text[i] = (char)('a' + rand_r(&seed) % (round % 2 ? 2 : 3));
        }
        SECRET_AUTO set = set_of(values, count);
        SECRET_AUTO expected = secret_new(LIMIT_MASK);
        conceal_plainly(values, count, (struct str){text, size}, expected);
        SECRET_AUTO got =
            mask_in_pieces(set, (struct str){text, size}, 1 + (size_t)rand_r(&seed) % 9);
        cr_assert_str_eq(secret_bytes(got), secret_bytes(expected), "%.*s", (int)size, text);
    }
}
