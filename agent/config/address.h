/* Addresses that people write: where Connect is, where to listen. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/* http(s)://host[:port][/prefix], without slashes at the end in *ret_url, which points into `text`.
 * A message never shows a text that may hold a password. */
bool address_check_url(struct str text, struct str *ret_url, struct error *err);

/* A numeric address and a port: 127.0.0.1:9180, [::1]:9180. */
bool address_check_listen(struct str text, struct error *err);
