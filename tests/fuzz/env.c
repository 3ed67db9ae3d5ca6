/* The first byte chooses a dialect, the rest is read as an env file and carried as a value: what is
 * not refused must have been proven. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "render/env.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool ignore(void *context, struct str name, const struct secret *value, struct error *err)
{
    (void)context;
    (void)name;
    (void)value;
    (void)err;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct env_reader reader = {ignore, NULL};
    struct error error;
    size_t wrong;
    if (size == 0) {
        return 0;
    }
    enum dialect dialect = (enum dialect)(bytes[0] % DIALECTS);
    struct str text = {(const char *)bytes + 1, size - 1};
    struct secret *value = secret_new(1 << 20);
    struct secret *file = secret_new(1 << 22);
    if (!value || !file || !secret_append(value, text, &error)) {
        abort();
    }
    const struct env_entry entry = {"NAME", value};
    (void)env_read(dialect, text, &reader, &error);
    if (!env_render(dialect, &entry, 1, file, &wrong, &error) &&
        strstr(error.message, "not published")) {
        abort(); /* a writer and its reader disagree */
    }
    secret_free(value);
    secret_free(file);
    return 0;
}
