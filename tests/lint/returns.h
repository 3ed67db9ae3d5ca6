/* Included before every file that a static analyser reads, and nowhere else. Tells it what it
 * cannot see across files: these functions always return false. Without that, returning their
 * result looks as if it could be a success with nothing filled in. */
#pragma once

#include "base/error.h"
#include "base/findings.h"

#pragma GCC diagnostic ignored "-Wunused-value" /* where the result is not asked for */

#define error_set(...) ((void)error_set(__VA_ARGS__), false)             /* NOLINT */
#define error_set_errno(...) ((void)error_set_errno(__VA_ARGS__), false) /* NOLINT */
#define error_wrap(...) ((void)error_wrap(__VA_ARGS__), false)           /* NOLINT */
#define findings_hide(...) ((void)findings_hide(__VA_ARGS__), false)     /* NOLINT */
#define findings_add(...) ((void)findings_add(__VA_ARGS__), false)       /* NOLINT */
#define findings_format(...) ((void)findings_format(__VA_ARGS__), false) /* NOLINT */
