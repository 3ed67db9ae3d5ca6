#include "core/plan.h"

#include <stdlib.h>

static void require_text(struct plan *plan, const struct text *text)
{
    for (size_t i = 0; i < text->count; i++) {
        if (text->parts[i].kind == TEXT_REFERENCE) {
            plan->required[text->parts[i].reference] = true;
        }
    }
}

static void require_value(struct plan *plan, const struct value_rule *value)
{
    if (!value->optional && !value->has_fallback) {
        require_text(plan, &value->text);
    }
}

static void require_tree(struct plan *plan, const struct tree *tree)
{
    require_text(plan, &tree->text);
    for (const struct tree *child = tree->first; child; child = child->next) {
        require_tree(plan, child);
    }
}

static void require_file(struct plan *plan, const struct file *file)
{
    require_value(plan, &file->value);
    if (file->tree && !file->value.optional) {
        require_tree(plan, file->tree);
    }
    for (size_t i = 0; i < file->variables_count; i++) {
        require_value(plan, &file->variables[i].value);
    }
}

bool plan_init(struct plan *plan, const struct template *template, struct error *err)
{
    plan->required = calloc(template->references.count + 1, sizeof(*plan->required));
    if (!plan->required) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    require_file(plan, &template->launch.environment);
    for (size_t i = 0; i < template->outputs_count; i++) {
        for (size_t j = 0; j < template->outputs[i].files_count; j++) {
            require_file(plan, &template->outputs[i].files[j]);
        }
    }
    return true;
}

void plan_done(struct plan *plan)
{
    free(plan->required);
    plan->required = NULL;
}
