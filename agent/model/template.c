#include "model/template.h"

#include <stdlib.h>

static void output_done(struct output *output)
{
    for (size_t i = 0; i < output->files_count; i++) {
        file_done(&output->files[i]);
    }
    free(output->files);
    hook_list_free(output->before_publish, output->before_publish_count);
    hook_list_free(output->on_change, output->on_change_count);
    free(output->directory);
}

void template_free(struct template *template)
{
    if (!template) {
        return;
    }
    for (size_t i = 0; i < template->outputs_count; i++) {
        output_done(&template->outputs[i]);
    }
    free(template->outputs);
    for (size_t i = 0; i < template->template_files_count; i++) {
        free(template->template_files[i]);
    }
    free(template->template_files);
    file_done(&template->launch.environment);
    settings_done(&template->settings);
    references_done(&template->references);
    free(template->path);
    free(template);
}
