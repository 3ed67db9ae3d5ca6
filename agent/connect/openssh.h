/* A private key of 1Password as OpenSSH writes it: PKCS#8 in PEM (RFC 5958) to openssh-key-v1
 * (OpenSSH's PROTOCOL.key), for Ed25519 and RSA. Connect does not convert; the client does. Pure,
 * and the same key always gives the same bytes. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/str.h"

/* `public_key` is the item's "public key" ("ssh-ed25519 AAAA…"), or of size 0. It is needed for an
 * Ed25519 key, whose private half alone does not hold it. ERROR_CONTENT says what cannot be
 * converted. Appends to `text`. */
bool openssh_convert(struct str pem, struct str public_key, struct secret *text, struct error *err);
