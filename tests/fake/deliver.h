#pragma once
/* Sends an answer, whole or as the fault spoils it. The caller does not hold the lock. */

#include "request.h"

/* Makes the answer of a fault that does not need the true one; false if it does. */
bool deliver_make(const struct request *request, const struct fault *fault, struct reply *reply);

/* How many bytes of a body will be sent. */
uint64_t deliver_bytes(const struct fault *fault, const struct reply *reply);

/* Takes what the reply holds, and sends it; MHD_NO closes the connection. */
enum MHD_Result deliver(struct request *request, const struct fault *fault, struct reply *reply);
