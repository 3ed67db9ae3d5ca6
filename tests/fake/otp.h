#pragma once
/* One-time codes (RFC 6238) from otpauth:// values. */

#include <stdint.h>

#define OTP_SIZE 11

/* Writes the code that is valid at the UNIX time. Knows secret, digits (6 to 10), period and the
 * algorithm SHA1. Returns 0, or -1 if the value is not such a URI. */
int otp_code(const char *uri, int64_t now, char code[OTP_SIZE]);
