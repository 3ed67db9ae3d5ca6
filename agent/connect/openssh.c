#include "connect/openssh.h"

#include <stdint.h>
#include <string.h>

#include "base/base64.h"

enum { ED25519_SIZE = 32, LINE = 70, BLOCK = 8, KEY_LIMIT = 64 << 10, RSA_NUMBERS = 9 };

/* Tags of DER (X.690). */
enum {
    TAG_INTEGER = 0x02,
    TAG_OCTETS = 0x04,
    TAG_OID = 0x06,
    TAG_SEQUENCE = 0x30,
    TAG_PUBLIC = 0x81
};

static const char begin_pkcs8[] = "-----BEGIN PRIVATE KEY-----";
static const char end_pkcs8[] = "-----END PRIVATE KEY-----";

/* --- DER --- */

/* Takes one element off the front of *der; false when there is none, or another. */
static bool take(struct str *der, unsigned tag, struct str *ret_content)
{
    if (der->size < 2 || (unsigned char)der->bytes[0] != tag) {
        return false;
    }
    size_t size = (unsigned char)der->bytes[1];
    size_t head = 2;
    if (size >= 0x80) {
        size_t count = size - 0x80;
        if (count == 0 || count > 3 || der->size < 2 + count) {
            return false;
        }
        for (size = 0; head < 2 + count; head++) {
            size = size << 8 | (unsigned char)der->bytes[head];
        }
    }
    if (size > der->size - head) {
        return false;
    }
    *ret_content = str_slice(*der, head, head + size);
    *der = str_slice(*der, head + size, der->size);
    return true;
}

struct pkcs8 {
    struct str algorithm; /* OID */
    struct str key;
    struct str public; /* of version 2; else size 0 */
};

static bool parse_pkcs8(struct str der, struct pkcs8 *ret_key)
{
    struct str body, version, algorithm;
    struct pkcs8 key = {.public = {0}};
    if (!take(&der, TAG_SEQUENCE, &body) || !take(&body, TAG_INTEGER, &version) ||
        !take(&body, TAG_SEQUENCE, &algorithm) || !take(&algorithm, TAG_OID, &key.algorithm) ||
        !take(&body, TAG_OCTETS, &key.key)) {
        return false;
    }
    struct str bits;
    if (take(&body, TAG_PUBLIC, &bits)) {
        key.public = str_slice(bits, 1, bits.size); /* after the count of unused bits */
    }
    *ret_key = key;
    return true;
}

/* --- the wire format of RFC 4251, 5 --- */

static bool put_number(struct secret *into, uint32_t number, struct error *err)
{
    const char bytes[] = {(char)(number >> 24), (char)(number >> 16), (char)(number >> 8),
                          (char)number};
    return secret_append(into, (struct str){bytes, sizeof(bytes)}, err);
}

/* A string; an integer of DER is an mpint already. */
static bool put_string(struct secret *into, struct str text, struct error *err)
{
    return put_number(into, (uint32_t)text.size, err) && secret_append(into, text, err);
}

static bool put_secret(struct secret *into, const struct secret *text, struct error *err)
{
    return put_string(into, secret_str(text), err);
}

static bool take_string(struct str *wire, struct str *ret_text)
{
    uint32_t size = 0;
    if (wire->size < 4) {
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        size = size << 8 | (unsigned char)wire->bytes[i];
    }
    if (size > wire->size - 4) {
        return false;
    }
    *ret_text = str_slice(*wire, 4, 4 + size);
    *wire = str_slice(*wire, 4 + size, wire->size);
    return true;
}

/* --- both kinds of key: the public blob and the private half --- */

struct halves {
    struct secret *public;
    struct secret *private;
};

/* The 32 bytes of an Ed25519 key in "ssh-ed25519 AAAA… comment". */
static bool read_public(struct str text, struct secret *blob, struct str *ret_key)
{
    struct error ignored;
    struct str type;
    size_t from = str_find(text, 0, " ") + 1;
    struct str wire = str_slice(text, from, str_find(text, from, " "));
    if (!base64_decode(str_trim(wire), blob, &ignored)) {
        return false;
    }
    wire = secret_str(blob);
    return take_string(&wire, &type) && str_is(type, "ssh-ed25519") &&
           take_string(&wire, ret_key) && ret_key->size == ED25519_SIZE;
}

static bool put_ed25519(const struct halves *halves, struct str seed, struct str public,
                        struct error *err)
{
    const struct str name = str_from("ssh-ed25519");
    SECRET_AUTO both = secret_new((size_t)2 * ED25519_SIZE);
    if (!both) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    return secret_append(both, seed, err) && secret_append(both, public, err) &&
           put_string(halves->public, name, err) && put_string(halves->public, public, err) &&
           put_string(halves->private, name, err) && put_string(halves->private, public, err) &&
           put_secret(halves->private, both, err);
}

static bool convert_ed25519(const struct pkcs8 *key, struct str public_key,
                            const struct halves *halves, struct error *err)
{
    struct str der = key->key;
    struct str seed;
    struct str public = key->public;
    SECRET_AUTO blob = secret_new(KEY_LIMIT);
    if (!blob) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    if (!take(&der, TAG_OCTETS, &seed) || seed.size != ED25519_SIZE) {
        return error_set(err, ERROR_CONTENT, "the Ed25519 key is damaged");
    }
    if (public.size != ED25519_SIZE && !read_public(public_key, blob, &public)) {
        return error_set(err, ERROR_CONTENT,
                         "an Ed25519 key is converted with the field \"public key\" of its item, "
                         "which is absent or of another key");
    }
    return put_ed25519(halves, seed, public, err);
}

/* RFC 8017, A.1.2: version, n, e, d, p, q, d mod (p-1), d mod (q-1), 1/q mod p. */
static bool convert_rsa(const struct pkcs8 *key, const struct halves *halves, struct error *err)
{
    enum { N = 1, E, D, P, Q, QINV = 8 };
    const struct str name = str_from("ssh-rsa");
    struct str der = key->key;
    struct str body;
    struct str numbers[RSA_NUMBERS];
    bool whole = take(&der, TAG_SEQUENCE, &body);
    for (size_t i = 0; whole && i < RSA_NUMBERS; i++) {
        whole = take(&body, TAG_INTEGER, &numbers[i]);
    }
    if (!whole) {
        return error_set(err, ERROR_CONTENT, "the RSA key is damaged");
    }
    return put_string(halves->public, name, err) && put_string(halves->public, numbers[E], err) &&
           put_string(halves->public, numbers[N], err) && put_string(halves->private, name, err) &&
           put_string(halves->private, numbers[N], err) &&
           put_string(halves->private, numbers[E], err) &&
           put_string(halves->private, numbers[D], err) &&
           put_string(halves->private, numbers[QINV], err) &&
           put_string(halves->private, numbers[P], err) &&
           put_string(halves->private, numbers[Q], err);
}

static bool convert_key(struct str der, struct str public_key, const struct halves *halves,
                        struct error *err)
{
    static const char ed25519[] = {0x2b, 0x65, 0x70}; /* 1.3.101.112, RFC 8410 */
    static const char rsa[] = {0x2a, (char)0x86, 0x48, (char)0x86, (char)0xf7, 0x0d, 1, 1, 1};
    struct pkcs8 key;
    if (!parse_pkcs8(der, &key)) {
        return error_set(err, ERROR_CONTENT, "the private key is not PKCS#8, or damaged");
    }
    if (str_equal(key.algorithm, (struct str){ed25519, sizeof(ed25519)})) {
        return convert_ed25519(&key, public_key, halves, err);
    }
    if (str_equal(key.algorithm, (struct str){rsa, sizeof(rsa)})) {
        return convert_rsa(&key, halves, err);
    }
    return error_set(err, ERROR_CONTENT,
                     "only Ed25519 and RSA keys can be converted to ssh-format=openssh");
}

/* --- PROTOCOL.key --- */

/* The two numbers by which ssh tells a wrong passphrase: the same for the same key. */
static uint32_t check_number(struct str public)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < public.size; i++) {
        hash = (hash ^ (unsigned char)public.bytes[i]) * 16777619u;
    }
    return hash;
}

static bool put_private(const struct halves *halves, struct secret *into, struct error *err)
{
    uint32_t check = check_number(secret_str(halves->public));
    SECRET_AUTO section = secret_new(KEY_LIMIT);
    if (!section) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    bool ok = true;
    for (int i = 0; ok && i < 2; i++) {
        ok = put_number(section, check, err);
    }
    ok = ok && secret_append_secret(section, halves->private, err) &&
         put_string(section, (struct str){"", 0}, err);
    for (char pad = 1; ok && secret_size(section) % BLOCK > 0; pad++) {
        ok = secret_append(section, (struct str){&pad, 1}, err);
    }
    return ok && put_secret(into, section, err);
}

static bool put_container(const struct halves *halves, struct secret *into, struct error *err)
{
    static const char magic[] = "openssh-key-v1"; /* with its NUL */
    const struct str none = str_from("none");
    return secret_append(into, (struct str){magic, sizeof(magic)}, err) &&
           put_string(into, none, err) && put_string(into, none, err) &&
           put_string(into, (struct str){"", 0}, err) && put_number(into, 1, err) &&
           put_secret(into, halves->public, err) && put_private(halves, into, err);
}

static bool put_pem(const struct secret *container, struct secret *text, struct error *err)
{
    SECRET_AUTO base64 = secret_new((size_t)2 * KEY_LIMIT);
    if (!base64) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    bool ok = base64_encode(secret_str(container), BASE64_STANDARD, base64, err) &&
              secret_append(text, str_from("-----BEGIN OPENSSH PRIVATE KEY-----\n"), err);
    for (size_t at = 0; ok && at < secret_size(base64); at += LINE) {
        ok = secret_append(text, str_slice(secret_str(base64), at, at + LINE), err) &&
             secret_append(text, str_from("\n"), err);
    }
    return ok && secret_append(text, str_from("-----END OPENSSH PRIVATE KEY-----\n"), err);
}

/* The bytes between the two lines of the PEM. */
static bool read_pem(struct str pem, struct secret *der, struct error *err)
{
    size_t begin = str_find(pem, 0, begin_pkcs8);
    size_t end = str_find(pem, begin, end_pkcs8);
    if (end == pem.size) {
        return error_set(err, ERROR_CONTENT,
                         "ssh-format=openssh is for private keys, in PEM of PKCS#8; this field "
                         "holds something else");
    }
    for (size_t at = begin + sizeof(begin_pkcs8) - 1; at < end;) {
        size_t line = str_find(pem, at, "\n");
        struct str text = str_trim(str_slice(pem, at, line < end ? line : end));
        if (!base64_decode(text, der, err)) {
            return error_wrap(err, "the PEM of the private key");
        }
        at = line + 1;
    }
    return true;
}

bool openssh_convert(struct str pem, struct str public_key, struct secret *text, struct error *err)
{
    SECRET_AUTO der = secret_new(KEY_LIMIT);
    SECRET_AUTO public = secret_new(KEY_LIMIT);
    SECRET_AUTO private = secret_new(KEY_LIMIT);
    SECRET_AUTO container = secret_new((size_t)2 * KEY_LIMIT);
    const struct halves halves = {public, private};
    if (!der || !public || !private || !container) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    return read_pem(pem, der, err) && convert_key(secret_str(der), public_key, &halves, err) &&
           put_container(&halves, container, err) && put_pem(container, text, err);
}
