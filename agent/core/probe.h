/* Asks an agent that runs how it is, over the listener it has: for images without a shell. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "report/health.h"

/* `address` is settings->listen; one that means every interface is asked on loopback. The answer,
 * and one line why; the line says so too when there is no answer. */
bool probe_ask(const char *address, enum health_question question, const struct clock *clock,
               char line[HEALTH_LINE]);
