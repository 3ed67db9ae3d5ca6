/* Arguments → one command → exit status. */
#include "cmd/command.h"
#include "io/process.h"

int main(int argc, char *argv[])
{
    process_harden();
    return command_run(argc, argv);
}
