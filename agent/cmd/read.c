#include <stdio.h>
#include <sysexits.h>

#include "cmd/command.h"
#include "cmd/emit.h"

int command_read(const struct options *options)
{
    if (!options->argument) {
        fprintf(stderr, "connect-agent read: no reference given: connect-agent read "
                        "op://vault/item/field\n");
        return EX_USAGE;
    }
    const struct adhoc adhoc = {NULL, str_from(options->argument)};
    return emit("read", options, &adhoc, !options->no_newline);
}
