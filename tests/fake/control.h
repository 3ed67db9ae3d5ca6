#pragma once
/* The control API of tests, under /_fake/: it needs no token and is neither counted nor logged.
 * The endpoints are in README.md. The caller holds the lock, which waiting releases. */

#include "request.h"

void control_answer(struct request *request, struct reply *reply);
