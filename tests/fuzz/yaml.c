/* A template's text, up to the tree and the places in it. */
#include <stddef.h>
#include <stdint.h>

#include "config/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct findings findings;
    findings_init(&findings);
    yaml_node_free(yaml_read("fuzz", (struct str){(const char *)bytes, size}, &findings));
    findings_done(&findings);
    return 0;
}
