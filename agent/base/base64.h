/* Base64 of RFC 4648: the standard alphabet and the URL-safe one of JWTs. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/str.h"

enum base64_kind {
    BASE64_STANDARD, /* with padding */
    BASE64_URL,      /* without */
};

/* Appends the text, on one line. */
bool base64_encode(struct str bytes, enum base64_kind kind, struct secret *text, struct error *err);

/* Decodes either alphabet; padding may be absent. ERROR_CONTENT names the offset. */
bool base64_decode(struct str text, struct secret *bytes, struct error *err);
