/* The template, as the program reads it: from a file, kept in memory. Every mistake has a place
 * within the file, and a template without any has outputs. */
#include "config/config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool ok, const struct findings *findings, const struct template *template)
{
    if (ok != (findings->count == 0) || (ok && (!template || template->outputs_count == 0))) {
        abort();
    }
    for (size_t i = 0; i < findings->count; i++) {
        char text[2 * LIMIT_MESSAGE];
        const struct place *place = &findings->list[i].place;
        finding_print(&findings->list[i], text, sizeof(text));
        if ((place->line == 0) != (place->column == 0) ||
            findings->list[i].error.message[0] == '\0') {
            abort();
        }
    }
}

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
    return ftruncate(fd, 0) == 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct findings findings;
    struct template *template = NULL;
    char path[64];
    int fd = memfd_create("template", MFD_CLOEXEC);
    if (fd < 0 || !write_all(fd, bytes, size)) {
        abort();
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    findings_init(&findings);
    bool ok = config_load(path, &(struct overrides){.environment = NULL}, &findings, &template);
    check(ok, &findings, template);
    findings_done(&findings);
    template_free(template);
    close(fd);
    return 0;
}
