#include <stdio.h>
#include <sysexits.h>

#include "cmd/command.h"
#include "publish/copy.h"

int command_install(const struct options *options)
{
    struct error error;
    if (!options->argument) {
        fprintf(stderr, "connect-agent install: name a directory, such as a volume that another "
                        "container shares\n");
        return EX_USAGE;
    }
    if (!copy_program("/proc/self/exe", options->argument, "connect-agent", &error)) {
        fprintf(stderr, "connect-agent install: %s\n", error.message);
        return error_describe(error.code)->exit_status;
    }
    return EX_OK;
}
