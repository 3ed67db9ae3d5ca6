#include <stdio.h>
#include <sysexits.h>

#include "cmd/command.h"
#include "config/schema.h"

int command_schema(const struct options *options)
{
    struct json_text json;
    struct error error;
    struct str text;
    int status = EX_OK;
    (void)options;
    json_text_init(&json);
    schema_write(&json);
    if (json_text_end(&json, &text, &error)) {
        fwrite(text.bytes, 1, text.size, stdout);
    } else {
        fprintf(stderr, "connect-agent schema: %s\n", error.message);
        status = error_describe(error.code)->exit_status;
    }
    json_text_done(&json);
    return status;
}
