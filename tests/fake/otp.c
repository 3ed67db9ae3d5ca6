#include "otp.h"

#include "base.h"

#include <ctype.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECRET_LIMIT 128

/* Borrowed: where the parameter's value begins, and its length; NULL if it is not there. */
static const char *find_parameter(const char *uri, const char *name, size_t *ret_n)
{
    size_t length = strlen(name);
    const char *at = strchr(uri, '?');
    while (at != NULL) {
        at++;
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            *ret_n = strcspn(at + length + 1, "&#");
            return at + length + 1;
        }
        at = strchr(at, '&');
    }
    return NULL;
}

static int64_t find_number(const char *uri, const char *name, int64_t otherwise)
{
    size_t n = 0;
    const char *text = find_parameter(uri, name, &n);
    return text != NULL ? strtoll(text, NULL, 10) : otherwise;
}

/* Decodes base32 (RFC 4648), in either case and without regard to padding; 0 if it is wrong. */
static size_t decode_base32(const char *text, size_t n, unsigned char secret[SECRET_LIMIT])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    unsigned have = 0;
    size_t length = 0;
    for (size_t i = 0; i < n && text[i] != '=' && text[i] != '%'; i++) {
        const char *at = strchr(alphabet, toupper((unsigned char)text[i]));
        if (at == NULL || length == SECRET_LIMIT) {
            return 0;
        }
        bits = (bits << 5 | (uint32_t)(at - alphabet)) & 0xfff;
        have += 5;
        if (have >= 8) {
            have -= 8;
            secret[length++] = (unsigned char)(bits >> have & 0xff);
        }
    }
    return length;
}

int otp_code(const char *uri, int64_t now, char code[OTP_SIZE])
{
    size_t n = 0;
    const char *text = find_parameter(uri, "secret", &n);
    int64_t digits = find_number(uri, "digits", 6);
    int64_t period = find_number(uri, "period", 30);
    unsigned char secret[SECRET_LIMIT];
    if (strncmp(uri, "otpauth://totp/", 15) != 0 || text == NULL || digits < 6 || digits > 10 ||
        period < 1) {
        return -1;
    }
    size_t length = decode_base32(text, n, secret);
    const char *algorithm = find_parameter(uri, "algorithm", &n);
    if (length == 0 || (algorithm != NULL && strncasecmp(algorithm, "SHA1", n) != 0)) {
        return -1;
    }
    unsigned char counter[8];
    unsigned char digest[20];
    for (int i = 0; i < 8; i++) {
        counter[i] = (unsigned char)((uint64_t)(now / period) >> (56 - 8 * i) & 0xff);
    }
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA1, secret, length, counter, sizeof counter, digest) != 0) {
        return -1;
    }
    const unsigned char *at = digest + (digest[19] & 15);
    uint64_t number =
        (uint64_t)(at[0] & 0x7f) << 24 | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 8 | at[3];
    uint64_t modulus = 1;
    for (int64_t i = 0; i < digits; i++) {
        modulus *= 10;
    }
    snprintf(code, OTP_SIZE, "%0*llu", (int)digits, (unsigned long long)(number % modulus));
    return 0;
}
