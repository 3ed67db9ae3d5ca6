#include <stdio.h>
#include <sysexits.h>

#include "cmd/command.h"
#include "cmd/load.h"

static void print_findings(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        char text[2 * LIMIT_MESSAGE];
        finding_print(&findings->list[i], text, sizeof(text));
        fprintf(stderr, "%s\n", text);
    }
    if (findings->dropped > 0) {
        fprintf(stderr, "and %zu more\n", findings->dropped);
    }
}

static void print_summary(const struct template *template)
{
    size_t files = 0;
    for (size_t i = 0; i < template->outputs_count; i++) {
        files += template->outputs[i].files_count;
    }
    printf("%s: ok: outputs %zu, files %zu, references %zu\n", template->path,
           template->outputs_count, files, template->references.count);
}

int command_check(const struct options *options)
{
    struct loaded loaded;
    int status = EX_OK;
    if (load_template(options, &loaded)) {
        print_summary(loaded.template);
    } else {
        print_findings(&loaded.findings);
        status = load_exit_status(&loaded);
    }
    load_done(&loaded);
    return status;
}
