#include "model/file.h"

#include <stdlib.h>
#include <string.h>

static void value_rule_done(struct value_rule *value)
{
    text_done(&value->text);
    text_done(&value->fallback);
}

bool variable_set_name(struct variable *variable, struct str name)
{
    free(variable->name);
    variable->name = strndup(name.bytes, name.size);
    return variable->name != NULL;
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
