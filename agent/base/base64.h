/* Base64 of RFC 4648: the standard alphabet and the URL-safe one of JWTs. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/str.h"

/* Decodes either alphabet; padding may be absent. ERROR_CONTENT names the offset. */
bool base64_decode(struct str text, struct secret *bytes, struct error *err);
