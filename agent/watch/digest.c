#include "watch/digest.h"

#include <string.h>

#include "base/limits.h"
#include "base/secret.h"
#include "io/file.h"

enum { WORD = sizeof(uint64_t) };

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void mix(uint64_t v[4], unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

/* Up to eight bytes, the first one lowest. */
static uint64_t load(struct str bytes)
{
    uint64_t word = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        word |= (uint64_t)(unsigned char)bytes.bytes[i] << (8 * i);
    }
    return word;
}

static void absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    mix(v, 2);
    v[0] ^= word;
}

uint64_t digest_bytes(const struct digest_key *key, struct str bytes)
{
    uint64_t v[4] = {key->halves[0] ^ 0x736f6d6570736575u, key->halves[1] ^ 0x646f72616e646f6du,
                     key->halves[0] ^ 0x6c7967656e657261u, key->halves[1] ^ 0x7465646279746573u};
    size_t at = 0;
    for (; at + WORD <= bytes.size; at += WORD) {
        absorb(v, load(str_slice(bytes, at, at + WORD)));
    }
    absorb(v, load(str_slice(bytes, at, bytes.size)) | (uint64_t)bytes.size << 56);
    v[2] ^= 0xff;
    mix(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t digest_file(const struct digest_key *key, const char *path)
{
    struct error ignored;
    SECRET_AUTO content = secret_new(LIMIT_TEMPLATE_FILE);
    if (!content || !file_read_secret(path, ERROR_SYSTEM, content, NULL, &ignored)) {
        return 0;
    }
    uint64_t digest = digest_bytes(key, secret_str(content));
    return digest ? digest : 1;
}
