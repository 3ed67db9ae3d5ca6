#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/str.h"

static const struct error_class classes[ERROR_CODES] = {
    [ERROR_NONE] = {"none", EX_OK, ERROR_RETRY_NEVER},
    [ERROR_USAGE] = {"usage", EX_USAGE, ERROR_RETRY_NEVER},
    [ERROR_TEMPLATE] = {"template", EX_DATAERR, ERROR_RETRY_NEVER},
    [ERROR_NOT_FOUND] = {"not_found", EX_NOINPUT, ERROR_RETRY_SOFT},
    [ERROR_GONE] = {"gone", EX_NOINPUT, ERROR_RETRY_SOFT},
    [ERROR_AMBIGUOUS] = {"ambiguous", EX_NOINPUT, ERROR_RETRY_NEVER},
    [ERROR_CONTENT] = {"content", EX_DATAERR, ERROR_RETRY_NEVER},
    [ERROR_UNREACHABLE] = {"unreachable", EX_UNAVAILABLE, ERROR_RETRY_TRANSIENT},
    [ERROR_PROTOCOL] = {"protocol", EX_UNAVAILABLE, ERROR_RETRY_TRANSIENT},
    [ERROR_REQUEST] = {"request", EX_UNAVAILABLE, ERROR_RETRY_NEVER},
    [ERROR_TOKEN_FILE] = {"token_file", EX_NOPERM, ERROR_RETRY_NEVER},
    [ERROR_TOKEN] = {"token", EX_NOPERM, ERROR_RETRY_SOFT},
    [ERROR_FORBIDDEN] = {"forbidden", EX_NOPERM, ERROR_RETRY_SOFT},
    [ERROR_OUTPUT] = {"output", EX_CANTCREAT, ERROR_RETRY_NEVER},
    [ERROR_HOOK] = {"hook", EX_CANTCREAT, ERROR_RETRY_NEVER},
    [ERROR_MEMORY] = {"memory", EX_SOFTWARE, ERROR_RETRY_NEVER},
    [ERROR_SYSTEM] = {"system", EX_SOFTWARE, ERROR_RETRY_NEVER},
};

static void fill(struct error *err, enum error_code code, int number, const char *text)
{
    err->code = code;
    err->number = number;
    str_print(str_from(text), err->message, sizeof(err->message));
}

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    char text[LIMIT_MESSAGE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fill(err, code, 0, text);
    return false;
}

bool error_set_errno(struct error *err, enum error_code code, int number, const char *format, ...)
{
    char text[LIMIT_MESSAGE];
    char whole[LIMIT_MESSAGE + 64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof(whole), "%s: %s", text, strerrordesc_np(number));
    fill(err, code, number, whole);
    return false;
}

bool error_wrap(struct error *err, const char *format, ...)
{
    char context[LIMIT_MESSAGE];
    char whole[2 * LIMIT_MESSAGE + 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof(context), format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof(whole), "%s: %s", context, err->message);
    fill(err, err->code, err->number, whole);
    return false;
}

const struct error_class *error_describe(enum error_code code)
{
    static const struct error_class unknown = {"bug", EX_SOFTWARE, ERROR_RETRY_NEVER};
    return code >= ERROR_CODES || code < 0 || !classes[code].label ? &unknown : &classes[code];
}
