#pragma once
/* Makes values: passwords by a recipe, bytes by a seed, keys with what belongs to them. */

#include <cjson/cJSON.h>
#include <gnutls/x509.h>
#include <stddef.h>
#include <stdint.h>

/* Gives a random value by the GeneratorRecipe of the API (32 letters and digits where recipe is
 * NULL), or NULL if the recipe is wrong. */
char *generate_password(const cJSON *recipe);

/* Gives size bytes that depend on the seed alone. */
unsigned char *generate_bytes(size_t size, uint64_t seed);

/* One key pair for the fields of an item. All zero is none. */
struct generate_key {
    gnutls_x509_privkey_t key;
};

void generate_key_done(struct generate_key *key);

/* Gives the value of a field by the kind of generator: "ed25519" and "rsa" make a new key and give
 * it as PKCS#8 PEM; "ssh-public", "ssh-fingerprint" and "certificate" (self-signed, PEM) belong to
 * the last key made. NULL if the kind is unknown or there is no key yet. */
char *generate_value(struct generate_key *key, const char *kind);

/* The kinds, for messages. */
#define GENERATE_KINDS "ed25519, rsa, ssh-public, ssh-fingerprint, certificate"
