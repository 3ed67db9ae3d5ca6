/* The line of a file that a finding is about, and a caret under the column. */
#pragma once

#include "base/findings.h"

/* To standard error. Nothing for a line that may hold a password, or that cannot be read. */
void caret_print(const struct finding *finding);
