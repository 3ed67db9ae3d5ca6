#include "tls.h"

#include "base.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VALID_SECONDS ((time_t)30 * 86400)
#define CA_FILE_LIMIT ((size_t)1 << 20)

struct identity {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;
};

static void check(int result)
{
    if (result < 0) {
        fprintf(stderr, "fake-connect: certificates: %s\n", gnutls_strerror(result));
        abort();
    }
}

static struct identity identity_new(const char *name)
{
    struct identity identity = {0};
    unsigned char serial[16];
    unsigned char id[64];
    size_t id_size = sizeof id;
    random_fill(serial, sizeof serial);
    serial[0] = 1;
    check(gnutls_x509_privkey_init(&identity.key));
    check(gnutls_x509_privkey_generate(identity.key, GNUTLS_PK_ECDSA,
                                       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    check(gnutls_x509_crt_init(&identity.crt));
    check(gnutls_x509_crt_set_version(identity.crt, 3));
    check(gnutls_x509_crt_set_key(identity.crt, identity.key));
    check(gnutls_x509_crt_set_serial(identity.crt, serial, sizeof serial));
    check(gnutls_x509_crt_set_activation_time(identity.crt, time(NULL) - 3600));
    check(gnutls_x509_crt_set_expiration_time(identity.crt, time(NULL) + VALID_SECONDS));
    check(gnutls_x509_crt_set_dn_by_oid(identity.crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                        (unsigned)strlen(name)));
    check(gnutls_x509_crt_get_key_id(identity.crt, 0, id, &id_size));
    check(gnutls_x509_crt_set_subject_key_id(identity.crt, id, id_size));
    return identity;
}

static void identity_done(struct identity *identity)
{
    gnutls_x509_crt_deinit(identity->crt);
    gnutls_x509_privkey_deinit(identity->key);
}

static void identity_sign(struct identity *identity, const struct identity *by)
{
    unsigned char id[64];
    size_t id_size = sizeof id;
    check(gnutls_x509_crt_get_key_id(by->crt, 0, id, &id_size));
    check(gnutls_x509_crt_set_authority_key_id(identity->crt, id, id_size));
    check(gnutls_x509_crt_sign2(identity->crt, by->crt, by->key, GNUTLS_DIG_SHA256, 0));
}

/* A name or an address that the certificate is good for. */
static void add_name(gnutls_x509_crt_t crt, const char *name)
{
    unsigned char address[16];
    gnutls_x509_subject_alt_name_t type = GNUTLS_SAN_DNSNAME;
    const void *data = name;
    unsigned size = (unsigned)strlen(name);
    if (inet_pton(AF_INET, name, address) == 1) {
        type = GNUTLS_SAN_IPADDRESS;
        data = address;
        size = 4;
    } else if (inet_pton(AF_INET6, name, address) == 1) {
        type = GNUTLS_SAN_IPADDRESS;
        data = address;
        size = 16;
    }
    check(gnutls_x509_crt_set_subject_alt_name(crt, type, data, size, GNUTLS_FSAN_APPEND));
}

static struct identity make_authority(void)
{
    struct identity authority = identity_new("fake-connect throw-away CA");
    check(gnutls_x509_crt_set_basic_constraints(authority.crt, 1, 0));
    check(gnutls_x509_crt_set_key_usage(authority.crt,
                                        GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN));
    identity_sign(&authority, &authority);
    return authority;
}

static struct identity make_leaf(const char *name, const char *purpose,
                                 const struct options *options, const struct identity *authority)
{
    struct identity leaf = identity_new(name);
    check(gnutls_x509_crt_set_basic_constraints(leaf.crt, 0, -1));
    check(gnutls_x509_crt_set_key_usage(leaf.crt, GNUTLS_KEY_DIGITAL_SIGNATURE));
    check(gnutls_x509_crt_set_key_purpose_oid(leaf.crt, purpose, 0));
    if (options != NULL) {
        add_name(leaf.crt, "localhost");
        add_name(leaf.crt, "127.0.0.1");
        add_name(leaf.crt, "::1");
        for (size_t i = 0; i < options->n_tls_names; i++) {
            add_name(leaf.crt, options->tls_names[i]);
        }
    }
    identity_sign(&leaf, authority);
    return leaf;
}

/* Gives the PEM text that is written to the file; NULL with errno set. */
static char *write_pem(const char *directory, const char *name, gnutls_datum_t pem, unsigned mode)
{
    char *path = mem_print("%s/%s", directory, name);
    char *text = mem_text_n((const char *)pem.data, pem.size);
    if (file_write(path, pem.data, pem.size, mode) < 0) {
        fprintf(stderr, "fake-connect: %s: %s\n", path, strerror(errno));
        free(text);
        text = NULL;
    }
    gnutls_free(pem.data);
    free(path);
    return text;
}

static char *write_certificate(const char *directory, const char *name,
                               const struct identity *identity)
{
    gnutls_datum_t pem = {0};
    check(gnutls_x509_crt_export2(identity->crt, GNUTLS_X509_FMT_PEM, &pem));
    return write_pem(directory, name, pem, 0644);
}

static char *write_key(const char *directory, const char *name, const struct identity *identity)
{
    gnutls_datum_t pem = {0};
    check(gnutls_x509_privkey_export2_pkcs8(identity->key, GNUTLS_X509_FMT_PEM, NULL,
                                            GNUTLS_PKCS_PLAIN, &pem));
    return write_pem(directory, name, pem, 0600);
}

static int write_all(struct tls *tls, const char *directory, const struct identity *authority,
                     const struct identity *server, const struct identity *client)
{
    char *ca = write_certificate(directory, "ca.pem", authority);
    char *certificate = write_certificate(directory, "client.pem", client);
    char *key = write_key(directory, "client.key", client);
    bool written = ca != NULL && certificate != NULL && key != NULL;
    free(ca);
    free(certificate);
    free(key);
    tls->certificate = write_certificate(directory, "server.pem", server);
    tls->key = write_key(directory, "server.key", server);
    return written && tls->certificate != NULL && tls->key != NULL ? 0 : -1;
}

int tls_make(struct tls *tls, const struct options *options)
{
    *tls = (struct tls){0};
    if (directory_make(options->tls_directory) < 0) {
        fprintf(stderr, "fake-connect: %s: %s\n", options->tls_directory, strerror(errno));
        return -1;
    }
    struct identity authority = make_authority();
    struct identity server =
        make_leaf("fake-connect", GNUTLS_KP_TLS_WWW_SERVER, options, &authority);
    struct identity client =
        make_leaf("fake-connect client", GNUTLS_KP_TLS_WWW_CLIENT, NULL, &authority);
    int result = write_all(tls, options->tls_directory, &authority, &server, &client);
    identity_done(&client);
    identity_done(&server);
    identity_done(&authority);
    if (result == 0 && options->tls_client_ca != NULL) {
        size_t n = 0;
        tls->client_ca = file_read(options->tls_client_ca, CA_FILE_LIMIT, &n);
        if (tls->client_ca == NULL) {
            fprintf(stderr, "fake-connect: %s: %s\n", options->tls_client_ca, strerror(errno));
            result = -1;
        }
    }
    return result;
}

void tls_done(struct tls *tls)
{
    free(tls->certificate);
    free(tls->key);
    free(tls->client_ca);
    *tls = (struct tls){0};
}
