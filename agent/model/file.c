#include "model/file.h"

#include <stdlib.h>

static void value_rule_done(struct value_rule *value)
{
    text_done(&value->text);
    text_done(&value->fallback);
}

void file_done(struct file *file)
{
    for (size_t i = 0; i < file->variables_count; i++) {
        free(file->variables[i].name);
        value_rule_done(&file->variables[i].value);
    }
    free(file->variables);
    value_rule_done(&file->value);
    tree_free(file->tree);
    free(file->template_file);
    free(file->path);
}
