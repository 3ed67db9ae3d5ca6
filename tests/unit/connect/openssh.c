#include "connect/openssh.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "base/base64.h"

/* No fixture is a key: all numbers are made up here, from bytes that count up. */

enum { ROOM = 1 << 17, SEED = 32, NUMBERS = 9 };

static struct secret *empty(void)
{
    struct secret *secret = secret_new(ROOM);
    cr_assert(secret);
    return secret;
}

static void put(struct secret *into, const void *bytes, size_t size)
{
    struct error error;
    cr_assert(secret_append(into, (struct str){bytes, size}, &error), "%s", error.message);
}

static void put_element(struct secret *into, unsigned tag, struct str content)
{
    const unsigned char head[] = {(unsigned char)tag, 0x82, (unsigned char)(content.size >> 8),
                                  (unsigned char)content.size};
    put(into, head, 1);
    if (content.size < 128) {
        put(into, head + 3, 1);
    } else {
        put(into, head + 1, 3);
    }
    put(into, content.bytes, content.size);
}

static const unsigned char ed25519[] = {0x2b, 0x65, 0x70};
static const unsigned char rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1};
static const unsigned char p256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1};

struct pkcs8 {
    struct str oid;
    struct str key;
    struct str public; /* of version 2, with its count of unused bits */
};

static void put_pkcs8(struct secret *into, const struct pkcs8 *key)
{
    SECRET_AUTO algorithm = empty();
    SECRET_AUTO body = empty();
    put_element(algorithm, 0x06, key->oid);
    put_element(body, 0x02, (struct str){key->public.size ? "\1" : "\0", 1});
    put_element(body, 0x30, secret_str(algorithm));
    put_element(body, 0x04, key->key);
    if (key->public.size) {
        put_element(body, 0x81, key->public);
    }
    put_element(into, 0x30, secret_str(body));
}

static const char *const begin_line = "-----BEGIN "
                                      "PRIVATE KEY-----";
static const char *const end_line = "-----END "
                                    "PRIVATE KEY-----";

/* In lines of 64 characters, each ended by `newline`. */
static struct secret *pem_of(struct str der, const char *newline)
{
    struct error error;
    struct secret *pem = empty();
    SECRET_AUTO text = empty();
    cr_assert(base64_encode(der, BASE64_STANDARD, text, &error));
    put(pem, begin_line, strlen(begin_line));
    for (size_t at = 0; at < secret_size(text); at += 64) {
        struct str line = str_slice(secret_str(text), at, at + 64);
        put(pem, newline, strlen(newline));
        put(pem, line.bytes, line.size);
    }
    put(pem, newline, strlen(newline));
    put(pem, end_line, strlen(end_line));
    put(pem, newline, strlen(newline));
    return pem;
}

static char bytes_of[SEED], public_of[SEED + 1];

static void count_up(void)
{
    for (int i = 0; i < SEED; i++) {
        bytes_of[i] = (char)i;
        public_of[1 + i] = (char)(0x80 + i);
    }
}

TestSuite(openssh, .init = count_up);

static struct secret *ed25519_pem(struct str seed, struct str public)
{
    SECRET_AUTO key = empty();
    SECRET_AUTO der = empty();
    put_element(key, 0x04, seed);
    put_pkcs8(der,
              &(struct pkcs8){{(const char *)ed25519, sizeof(ed25519)}, secret_str(key), public});
    return pem_of(secret_str(der), "\n");
}

static void put_string(struct secret *into, struct str text)
{
    const unsigned char size[] = {0, 0, (unsigned char)(text.size >> 8), (unsigned char)text.size};
    put(into, size, sizeof(size));
    put(into, text.bytes, text.size);
}

/* "ssh-ed25519 AAAA… comment" */
static struct secret *public_line(const char *type, struct str public, const char *comment)
{
    struct error error;
    SECRET_AUTO blob = empty();
    struct secret *line = empty();
    put_string(blob, str_from(type));
    put_string(blob, public);
    put(line, type, strlen(type));
    put(line, " ", 1);
    cr_assert(base64_encode(secret_str(blob), BASE64_STANDARD, line, &error));
    put(line, comment, strlen(comment));
    return line;
}

/* --- what PROTOCOL.key of OpenSSH says, read back --- */

static struct str take(struct str *wire, size_t size)
{
    cr_assert(wire->size >= size, "cut off");
    struct str taken = str_slice(*wire, 0, size);
    *wire = str_slice(*wire, size, wire->size);
    return taken;
}

static uint32_t take_number(struct str *wire)
{
    struct str bytes = take(wire, 4);
    uint32_t number = 0;
    for (size_t i = 0; i < 4; i++) {
        number = number << 8 | (unsigned char)bytes.bytes[i];
    }
    return number;
}

static struct str take_string(struct str *wire)
{
    return take(wire, take_number(wire));
}

/* The lines of the PEM, without its frame: the container. */
static struct secret *unpack(struct str text)
{
    static const char begin[] = "-----BEGIN OPENSSH "
                                "PRIVATE KEY-----\n";
    static const char end[] = "-----END OPENSSH "
                              "PRIVATE KEY-----\n";
    struct secret *container = empty();
    SECRET_AUTO joined = empty();
    struct error error;
    size_t to = str_find(text, 0, end);
    cr_assert(str_starts(text, begin) && to + sizeof(end) - 1 == text.size);
    for (size_t at = sizeof(begin) - 1; at < to;) {
        size_t newline = str_find(text, at, "\n");
        cr_assert(newline - at == 70 || newline + 1 == to, "all lines but the last have 70");
        put(joined, text.bytes + at, newline - at);
        at = newline + 1;
    }
    cr_assert(base64_decode(secret_str(joined), container, &error));
    return container;
}

/* Both halves, and all that is around them. */
static void expect_container(struct str wire, struct str public, struct str private)
{
    cr_expect(str_equal(take(&wire, 15), (struct str){"openssh-key-v1", 15}));
    cr_expect(str_is(take_string(&wire), "none") && str_is(take_string(&wire), "none"));
    cr_expect_eq(take_string(&wire).size, 0, "no options of a KDF");
    cr_expect_eq(take_number(&wire), 1);
    cr_expect(str_equal(take_string(&wire), public));
    struct str section = take_string(&wire);
    cr_expect_eq(wire.size, 0);
    cr_expect_eq(section.size % 8, 0);
    cr_expect_eq(take_number(&section), take_number(&section), "by which ssh knows a passphrase");
    cr_expect(str_equal(take(&section, private.size), private));
    cr_expect_eq(take_string(&section).size, 0, "no comment");
    cr_expect_lt(section.size, 8);
    for (size_t i = 0; i < section.size; i++) {
        cr_expect_eq(section.bytes[i], (char)(i + 1));
    }
}

static void expect_ed25519(const struct secret *pem, struct str line)
{
    struct error error = {.message = ""};
    SECRET_AUTO text = empty();
    SECRET_AUTO public = empty();
    SECRET_AUTO private = empty();
    SECRET_AUTO both = empty();
    cr_assert(openssh_convert(secret_str(pem), line, text, &error), "%s", error.message);
    put(both, bytes_of, SEED);
    put(both, public_of + 1, SEED);
    put_string(public, str_from("ssh-ed25519"));
    put_string(public, (struct str){public_of + 1, SEED});
    put_string(private, str_from("ssh-ed25519"));
    put_string(private, (struct str){public_of + 1, SEED});
    put_string(private, secret_str(both));
    SECRET_AUTO container = unpack(secret_str(text));
    expect_container(secret_str(container), secret_str(public), secret_str(private));
}

Test(openssh, an_ed25519_key_gets_its_public_half_from_the_item)
{
    const struct str seed = {bytes_of, SEED}, public = {public_of + 1, SEED};
    const char *const comments[] = {"", " me@example", " two words", "\n", "  "};
    SECRET_AUTO pem = ed25519_pem(seed, (struct str){NULL, 0});
    for (size_t i = 0; i < sizeof(comments) / sizeof(comments[0]); i++) {
        SECRET_AUTO line = public_line("ssh-ed25519", public, comments[i]);
        expect_ed25519(pem, secret_str(line));
    }
}

/* RFC 5958, version 2; then the field is not needed, and not looked at. */
Test(openssh, an_ed25519_key_that_holds_its_public_half_needs_no_other)
{
    SECRET_AUTO pem = ed25519_pem((struct str){bytes_of, SEED}, (struct str){public_of, SEED + 1});
    expect_ed25519(pem, (struct str){NULL, 0});
    expect_ed25519(pem, str_from("no key at all"));
}

/* Number i is i + 1 bytes, one of them longer than a length of one byte can tell. */
static void make_rsa(struct secret *der, struct str numbers[NUMBERS])
{
    static char digits[NUMBERS][300];
    SECRET_AUTO list = empty();
    SECRET_AUTO body = empty();
    for (size_t i = 0; i < NUMBERS; i++) {
        size_t size = i == 1 ? 257 : i + 1;
        memset(digits[i], (int)(i + 1), size);
        numbers[i] = (struct str){digits[i], size};
        put_element(list, 0x02, numbers[i]);
    }
    put_element(body, 0x30, secret_str(list));
    put_pkcs8(der, &(struct pkcs8){{(const char *)rsa, sizeof(rsa)}, secret_str(body), {NULL, 0}});
}

Test(openssh, an_rsa_key_has_its_numbers_in_the_order_of_ssh)
{
    static const size_t wanted[] = {1, 2, 3, 8, 4, 5}; /* n e d 1/q p q */
    const char *const newlines[] = {"\n", "\r\n"};
    struct error error = {.message = ""};
    struct str numbers[NUMBERS];
    SECRET_AUTO der = empty();
    SECRET_AUTO public = empty();
    SECRET_AUTO private = empty();
    make_rsa(der, numbers);
    put_string(public, str_from("ssh-rsa"));
    put_string(public, numbers[2]);
    put_string(public, numbers[1]);
    put_string(private, str_from("ssh-rsa"));
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        put_string(private, numbers[wanted[i]]);
    }
    for (size_t i = 0; i < 2; i++) {
        SECRET_AUTO pem = pem_of(secret_str(der), newlines[i]);
        SECRET_AUTO text = empty();
        cr_assert(openssh_convert(secret_str(pem), (struct str){NULL, 0}, text, &error), "%s",
                  error.message);
        SECRET_AUTO container = unpack(secret_str(text));
        expect_container(secret_str(container), secret_str(public), secret_str(private));
    }
}

Test(openssh, the_same_key_gives_the_same_bytes_and_they_are_appended)
{
    struct error error = {.message = ""};
    SECRET_AUTO pem = ed25519_pem((struct str){bytes_of, SEED}, (struct str){public_of, SEED + 1});
    SECRET_AUTO text = empty();
    for (int i = 0; i < 2; i++) {
        cr_assert(openssh_convert(secret_str(pem), (struct str){NULL, 0}, text, &error));
    }
    struct str all = secret_str(text);
    cr_expect_gt(all.size, 0);
    cr_expect(str_equal(str_slice(all, 0, all.size / 2), str_slice(all, all.size / 2, all.size)));
}

static void expect_refused(struct str pem, struct str line, const char *said)
{
    struct error error = {.message = ""};
    SECRET_AUTO text = empty();
    cr_expect_not(openssh_convert(pem, line, text, &error), "%s", said);
    cr_expect_eq(error.code, ERROR_CONTENT);
    cr_expect(strstr(error.message, said), "%s", error.message);
    cr_expect_null(strstr(error.message, "canary"), "%s", error.message);
    cr_expect_eq(secret_size(text), 0);
}

Test(openssh, what_is_no_private_key_in_pem_is_told)
{
    const char *const wrong[] = {"", "canary",
                                 "-----BEGIN "
                                 "CERTIFICATE-----\nAAAA\n",
                                 "-----BEGIN RSA "
                                 "PRIVATE KEY-----\ncanary\n",
                                 NULL};
    for (size_t i = 0; wrong[i]; i++) {
        expect_refused(str_from(wrong[i]), (struct str){NULL, 0},
                       "this field holds something else");
    }
    SECRET_AUTO open = empty();
    put(open, begin_line, strlen(begin_line));
    put(open, "\nAAAA\n", 6);
    expect_refused(secret_str(open), (struct str){NULL, 0}, "this field holds something else");
    put(open, "canary!!\n", 9);
    put(open, end_line, strlen(end_line));
    expect_refused(secret_str(open), (struct str){NULL, 0},
                   "the PEM of the private key: not base64");
}

/* Whatever is cut off or longer than it says: nothing is read beyond the end. */
Test(openssh, a_damaged_key_is_refused_wherever_it_is_cut)
{
    struct str numbers[NUMBERS];
    SECRET_AUTO der = empty();
    make_rsa(der, numbers);
    for (size_t size = 0; size < secret_size(der); size++) {
        SECRET_AUTO pem = pem_of(str_slice(secret_str(der), 0, size), "\n");
        expect_refused(secret_str(pem), (struct str){NULL, 0}, "not PKCS#8, or damaged");
    }
    const char *const lengths[] = {"\x30\x80", "\x30\x84\1\1\1\1", "\x30\x83\xff\xff\xff",
                                   "\x30\x7f", "\x30"};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        SECRET_AUTO pem = pem_of(str_from(lengths[i]), "\n");
        expect_refused(secret_str(pem), (struct str){NULL, 0}, "not PKCS#8, or damaged");
    }
}

Test(openssh, keys_of_wrong_size_or_kind_are_told)
{
    const struct str none = {NULL, 0}, public = {public_of + 1, SEED};
    SECRET_AUTO short_seed = ed25519_pem((struct str){bytes_of, SEED - 1}, none);
    expect_refused(secret_str(short_seed), none, "the Ed25519 key is damaged");
    SECRET_AUTO half = empty();
    put_pkcs8(half, &(struct pkcs8){{(const char *)rsa, sizeof(rsa)}, {"\x30\3\2\1\1", 5}, none});
    SECRET_AUTO half_pem = pem_of(secret_str(half), "\n");
    expect_refused(secret_str(half_pem), none, "the RSA key is damaged");
    SECRET_AUTO curve = empty();
    put_pkcs8(curve, &(struct pkcs8){{(const char *)p256, sizeof(p256)}, public, none});
    SECRET_AUTO curve_pem = pem_of(secret_str(curve), "\n");
    expect_refused(secret_str(curve_pem), none, "only Ed25519 and RSA keys");
}

Test(openssh, an_ed25519_key_without_its_public_half_is_told_where_that_is_looked_for)
{
    const struct str seed = {bytes_of, SEED}, none = {NULL, 0}, public = {public_of + 1, SEED};
    const char *said = "the field \"public key\" of its item";
    SECRET_AUTO pem = ed25519_pem(seed, none);
    SECRET_AUTO other = public_line("ssh-rsa", public, "");
    SECRET_AUTO short_one = public_line("ssh-ed25519", str_slice(public, 0, SEED - 1), "");
    SECRET_AUTO whole = public_line("ssh-ed25519", public, "");
    expect_refused(secret_str(pem), none, said);
    expect_refused(secret_str(pem), str_from("ssh-ed25519"), said);
    expect_refused(secret_str(pem), str_from("ssh-ed25519 canary!"), said);
    expect_refused(secret_str(pem), secret_str(other), said);
    expect_refused(secret_str(pem), secret_str(short_one), said);
    for (size_t size = 0; size + 4 < secret_size(whole); size += 4) {
        expect_refused(secret_str(pem), str_slice(secret_str(whole), 0, size), said);
    }
}

Test(openssh, a_key_that_is_too_large_is_refused_and_nothing_stays_in_memory)
{
    size_t before = secret_in_use();
    {
        struct error error = {.message = ""};
        SECRET_AUTO pem = empty();
        SECRET_AUTO text = empty();
        put(pem, begin_line, strlen(begin_line));
        for (int i = 0; i < 1500; i++) {
            char line[66];
            memset(line, 'A', sizeof(line));
            line[0] = line[65] = '\n';
            put(pem, line, sizeof(line));
        }
        put(pem, end_line, strlen(end_line));
        cr_expect_not(openssh_convert(secret_str(pem), (struct str){NULL, 0}, text, &error));
        cr_expect(strstr(error.message, "larger than the limit"), "%s", error.message);
    }
    cr_expect_eq(secret_in_use(), before);
}
