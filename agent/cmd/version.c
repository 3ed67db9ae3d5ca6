#include <stdio.h>
#include <sysexits.h>

#include "base/json.h"
#include "cmd/command.h"
#include "config/yaml.h"
#include "connect/transport.h"
#include "version.h"

int command_version(const struct options *options)
{
    (void)options;
    printf("connect-agent %s\n%s\nlibyaml %s, cJSON %s\n", CONNECT_AGENT_VERSION,
           transport_library_version(), yaml_library_version(), json_library_version());
    return EX_OK;
}
