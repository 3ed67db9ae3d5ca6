#include "generate.h"

#include "base.h"
#include "members.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VALID_SECONDS ((time_t)365 * 86400)
#define PASSWORD_LENGTH 32
#define PASSWORD_LENGTH_MAX 64

static const struct {
    const char *name;
    const char *characters;
} sets[] = {
    {"LETTERS", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    {"DIGITS", "0123456789"},
    {"SYMBOLS", "!@.-_*+=#%"},
};

/* Adds the characters of the named sets; false for an unknown name. */
static bool add_sets(struct buf *alphabet, const cJSON *names)
{
    const cJSON *name = NULL;
    cJSON_ArrayForEach(name, names)
    {
        size_t i = 0;
        const char *text = cJSON_GetStringValue(name);
        while (i < 3 && (text == NULL || strcmp(sets[i].name, text) != 0)) {
            i++;
        }
        if (i == 3) {
            return false;
        }
        buf_add(alphabet, sets[i].characters, strlen(sets[i].characters));
    }
    return true;
}

static void exclude(struct buf *alphabet, const char *characters)
{
    size_t kept = 0;
    for (size_t i = 0; i < alphabet->length; i++) {
        if (strchr(characters, alphabet->data[i]) == NULL) {
            alphabet->data[kept++] = alphabet->data[i];
        }
    }
    alphabet->length = kept;
}

char *generate_password(const cJSON *recipe)
{
    struct buf alphabet = {0};
    int64_t length = PASSWORD_LENGTH;
    if (cJSON_HasObjectItem(recipe, "length")) {
        length = members_number(recipe, "length", PASSWORD_LENGTH_MAX);
    }
    bool right = add_sets(&alphabet, cJSON_GetObjectItemCaseSensitive(recipe, "characterSets"));
    if (alphabet.length == 0) {
        buf_print(&alphabet, "%s%s", sets[0].characters, sets[1].characters);
    }
    const char *excluded = members_text(recipe, "excludeCharacters");
    exclude(&alphabet, excluded != NULL ? excluded : "");
    char *password = NULL;
    if (right && length >= 1 && alphabet.length > 0) {
        password = mem_new((size_t)length + 1, 1);
        random_fill(password, (size_t)length);
        for (int64_t i = 0; i < length; i++) {
            password[i] = alphabet.data[(unsigned char)password[i] % alphabet.length];
        }
    }
    buf_done(&alphabet);
    return password;
}

unsigned char *generate_bytes(size_t size, uint64_t seed)
{
    unsigned char *bytes = mem_new(size, 1);
    uint64_t state = seed * 2 + 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        bytes[i] = (unsigned char)(state >> 56);
    }
    return bytes;
}

void generate_key_done(struct generate_key *key)
{
    if (key->key != NULL) {
        gnutls_x509_privkey_deinit(key->key);
        key->key = NULL;
    }
}

static void check(int result)
{
    if (result < 0) {
        abort();
    }
}

static char *take_datum(gnutls_datum_t *datum)
{
    char *text = mem_text_n((const char *)datum->data, datum->size);
    gnutls_free(datum->data);
    return text;
}

static char *make_key(struct generate_key *key, gnutls_pk_algorithm_t algorithm, unsigned bits)
{
    gnutls_datum_t pem = {0};
    generate_key_done(key);
    check(gnutls_x509_privkey_init(&key->key));
    check(gnutls_x509_privkey_generate(key->key, algorithm, bits, 0));
    check(gnutls_x509_privkey_export2_pkcs8(key->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                            &pem));
    return take_datum(&pem);
}

/* Adds a string of the SSH wire format (RFC 4251, section 5). */
static void add_ssh(struct buf *blob, const void *data, size_t n)
{
    unsigned char length[4] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                               (unsigned char)(n >> 8), (unsigned char)n};
    buf_add(blob, length, sizeof length);
    buf_add(blob, data, n);
}

/* The public key as SSH writes it (RFC 4253, section 6.6; RFC 8709); returns its name. */
static const char *ssh_blob(struct generate_key *key, struct buf *blob)
{
    const char *name = "ssh-ed25519";
    gnutls_datum_t first = {0};
    gnutls_datum_t second = {0};
    gnutls_privkey_t private = NULL;
    gnutls_pubkey_t public = NULL;
    check(gnutls_privkey_init(&private));
    check(gnutls_pubkey_init(&public));
    check(gnutls_privkey_import_x509(private, key->key, 0));
    check(gnutls_pubkey_import_privkey(public, private, 0, 0));
    if (gnutls_x509_privkey_get_pk_algorithm(key->key) == GNUTLS_PK_RSA) {
        name = "ssh-rsa";
        check(gnutls_pubkey_export_rsa_raw(public, &second, &first));
        add_ssh(blob, name, strlen(name));
        add_ssh(blob, first.data, first.size);
        add_ssh(blob, second.data, second.size);
    } else {
        check(gnutls_pubkey_export_ecc_raw(public, NULL, &first, NULL));
        add_ssh(blob, name, strlen(name));
        add_ssh(blob, first.data, first.size);
    }
    gnutls_free(first.data);
    gnutls_free(second.data);
    gnutls_pubkey_deinit(public);
    gnutls_privkey_deinit(private);
    return name;
}

static char *ssh_public(struct generate_key *key)
{
    struct buf blob = {0};
    const char *name = ssh_blob(key, &blob);
    char *encoded = base64_encode(blob.data, blob.length);
    char *line = mem_print("%s %s", name, encoded);
    free(encoded);
    buf_done(&blob);
    return line;
}

static char *ssh_fingerprint(struct generate_key *key)
{
    struct buf blob = {0};
    unsigned char digest[32];
    ssh_blob(key, &blob);
    check(gnutls_hash_fast(GNUTLS_DIG_SHA256, blob.data, blob.length, digest));
    char *encoded = base64_encode(digest, sizeof digest);
    encoded[strcspn(encoded, "=")] = '\0';
    char *line = mem_print("SHA256:%s", encoded);
    free(encoded);
    buf_done(&blob);
    return line;
}

static char *certificate(struct generate_key *key)
{
    gnutls_datum_t pem = {0};
    gnutls_x509_crt_t crt = NULL;
    unsigned char serial[16];
    random_fill(serial, sizeof serial);
    serial[0] = 1;
    check(gnutls_x509_crt_init(&crt));
    check(gnutls_x509_crt_set_version(crt, 3));
    check(gnutls_x509_crt_set_key(crt, key->key));
    check(gnutls_x509_crt_set_dn(crt, "CN=fake-connect.example", NULL));
    check(gnutls_x509_crt_set_serial(crt, serial, sizeof serial));
    check(gnutls_x509_crt_set_activation_time(crt, time(NULL) - 3600));
    check(gnutls_x509_crt_set_expiration_time(crt, time(NULL) + VALID_SECONDS));
    bool rsa = gnutls_x509_privkey_get_pk_algorithm(key->key) == GNUTLS_PK_RSA;
    gnutls_digest_algorithm_t digest = rsa ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA512;
    check(gnutls_x509_crt_sign2(crt, crt, key->key, digest, 0));
    check(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem));
    gnutls_x509_crt_deinit(crt);
    return take_datum(&pem);
}

char *generate_value(struct generate_key *key, const char *kind)
{
    if (strcmp(kind, "ed25519") == 0) {
        return make_key(key, GNUTLS_PK_EDDSA_ED25519,
                        GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519));
    }
    if (strcmp(kind, "rsa") == 0) {
        return make_key(key, GNUTLS_PK_RSA, 2048);
    }
    if (key->key == NULL) {
        return NULL;
    }
    if (strcmp(kind, "ssh-public") == 0) {
        return ssh_public(key);
    }
    if (strcmp(kind, "ssh-fingerprint") == 0) {
        return ssh_fingerprint(key);
    }
    return strcmp(kind, "certificate") == 0 ? certificate(key) : NULL;
}
