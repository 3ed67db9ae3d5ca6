/* What an HTTP status of Connect means (connect-api.md, "Errors"). */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "connect/client.h"
#include "connect/transport.h"

/* True for an answer that can be used. Else the error says what the status means here, with the
 * server's own message when it sent one. */
bool status_check(enum client_endpoint endpoint, const struct transport_answer *answer,
                  struct error *err);
