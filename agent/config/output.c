#include "config/output.h"

#include <stdlib.h>
#include <string.h>

#include "config/file.h"
#include "config/hook.h"
#include "config/path.h"

static bool decode_directory(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct output *output = into;
    struct str text;
    struct error error;
    output->place = node->place;
    if (!decode_scalar(decoder, node, "an absolute path", &text)) {
        return false;
    }
    return path_normalize_directory(text, &output->directory, &error) ||
           decode_fail(decoder, node, "%s", error.message);
}

static const char *name_layout(size_t index)
{
    static const char *const names[] = {[LAYOUT_ATOMIC] = "atomic", [LAYOUT_PLAIN] = "plain", NULL};
    return names[index];
}

static const struct shape layout_shape = {
    .kind = SHAPE_NAME, .expected = "a layout: atomic or plain", .name = name_layout};

static bool decode_layout(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct output *output = into;
    size_t index;
    if (!decode_name(decoder, node, &layout_shape, &index)) {
        return false;
    }
    output->layout = (enum layout)index;
    return true;
}

static bool decode_output_owner(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct output *output = into;
    return decode_owner(decoder, node, &output->uid, &output->gid);
}

static bool decode_file_mode(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct output *output = into;
    return decode_mode(decoder, node, &output->file_mode);
}

static bool decode_directory_mode(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct output *output = into;
    return decode_mode(decoder, node, &output->directory_mode);
}

static bool decode_allow_disk(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct output *output = into;
    return decode_boolean(decoder, node, &output->allow_disk);
}

static const struct shape files_shape = {
    .kind = SHAPE_LIST, .expected = "a list of files", .element = &file_shape};

static bool decode_files(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct output *output = into;
    void *list = NULL;
    bool ok = decode_list(decoder, node, &files_shape, sizeof(struct file), file_decode, &list,
                          &output->files_count);
    output->files = list;
    return ok;
}

static bool decode_before_publish(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct output *output = into;
    return hook_decode_list(decoder, node, &hook_check_list_shape, &output->before_publish,
                            &output->before_publish_count);
}

static bool decode_on_change(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct output *output = into;
    return hook_decode_list(decoder, node, &hook_list_shape, &output->on_change,
                            &output->on_change_count);
}

static const struct shape directory_shape = {
    .kind = SHAPE_SCALAR, .expected = "an absolute path", .pattern = "^/+[^/]"};

static const struct key keys[] = {
    {"directory", KEY_REQUIRED, "where the set is published: an absolute path, on tmpfs",
     &directory_shape, decode_directory},
    {"layout", KEY_OPTIONAL, "atomic (default): one swap of ..data; plain: rename file by file",
     &layout_shape, decode_layout},
    {"owner", KEY_OPTIONAL, "numeric uid:gid of files and directories", &shape_owner,
     decode_output_owner},
    {"mode", KEY_OPTIONAL, "octal mode of files, 0400", &shape_mode, decode_file_mode},
    {"directoryMode", KEY_OPTIONAL, "octal mode of directories, 0750", &shape_mode,
     decode_directory_mode},
    {"allowDisk", KEY_OPTIONAL, "accept a directory that is not tmpfs or ramfs", &shape_boolean,
     decode_allow_disk},
    {"files", KEY_REQUIRED, "what to write", &files_shape, decode_files},
    {"beforePublish", KEY_OPTIONAL, "checks of a new generation; when one fails, the old one stays",
     &hook_check_list_shape, decode_before_publish},
    {"onChange", KEY_OPTIONAL, "what to do after a change, in this order", &hook_list_shape,
     decode_on_change},
};

static const struct shape output_shape = {
    .kind = SHAPE_MAPPING,
    .expected = "an output",
    .keys = keys,
    .keys_count = sizeof(keys) / sizeof(keys[0]),
};

const struct shape output_list_shape = {
    .kind = SHAPE_LIST, .expected = "a list of outputs", .element = &output_shape};

/* Files take from their output what they do not say themselves. */
static void inherit(struct output *output)
{
    for (size_t i = 0; i < output->files_count; i++) {
        struct file *file = &output->files[i];
        if (file->mode == FILE_MODE_UNSET) {
            file->mode = output->file_mode;
        }
        if (file->uid == (uid_t)OWNER_UNSET) {
            file->uid = output->uid;
            file->gid = output->gid;
        }
    }
}

/* Only the atomic layout has a directory in which the new generation lies whole. */
static bool check_gate(struct decoder *decoder, const struct output *output)
{
    return output->layout == LAYOUT_ATOMIC || output->before_publish_count == 0 ||
           findings_format(decoder->findings, output->before_publish[0].place, ERROR_TEMPLATE,
                           "beforePublish needs layout: atomic, where a new generation has a "
                           "directory of its own before it is published");
}

/* Refuses two that share a path, or of which one lies inside the other. Sorted, because a template
 * may have many. */
static bool check_claims(struct decoder *decoder, struct path_claim claims[], size_t count,
                         const char *what)
{
    bool ok = true;
    path_sort(claims, count);
    for (size_t i = 1, above = 0; i < count; i++) {
        if (!path_overlaps(claims[above].path, claims[i].path)) {
            above = i;
            continue;
        }
        bool ordered = claims[above].order < claims[i].order;
        const struct path_claim *first = ordered ? &claims[above] : &claims[i];
        const struct path_claim *second = ordered ? &claims[i] : &claims[above];
        ok = findings_format(decoder->findings, second->place, ERROR_TEMPLATE,
                             "the %s \"%s\" collides with \"%s\" on line %u", what, second->path,
                             first->path, first->place.line);
    }
    return ok;
}

static bool check_files(struct decoder *decoder, const struct yaml_node *node,
                        const struct output *output)
{
    size_t count = 0;
    struct path_claim *claims = calloc(output->files_count + 1, sizeof(*claims));
    if (!claims) {
        return decode_fail_memory(decoder, node);
    }
    for (size_t i = 0; i < output->files_count; i++) {
        const struct file *file = &output->files[i];
        if (file->path) {
            claims[count++] = (struct path_claim){file->path, file->place, i};
        }
    }
    bool ok = check_claims(decoder, claims, count, "file");
    free(claims);
    return ok;
}

static bool decode_output(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct output *output = into;
    *output = (struct output){.place = node->place,
                              .uid = (uid_t)OWNER_UNSET,
                              .gid = (gid_t)OWNER_UNSET,
                              .file_mode = 0400,
                              .directory_mode = 0750};
    bool ok = decode_mapping(decoder, node, &output_shape, output);
    inherit(output);
    return check_gate(decoder, output) && check_files(decoder, node, output) && ok;
}

static bool check_directories(struct decoder *decoder, const struct yaml_node *node)
{
    const struct template *template = decoder->template;
    size_t count = 0;
    struct path_claim *claims = calloc(template->outputs_count + 1, sizeof(*claims));
    if (!claims) {
        return decode_fail_memory(decoder, node);
    }
    for (size_t i = 0; i < template->outputs_count; i++) {
        const struct output *output = &template->outputs[i];
        if (output->directory) {
            claims[count++] = (struct path_claim){output->directory, output->place, i};
        }
    }
    bool ok = check_claims(decoder, claims, count, "output");
    free(claims);
    return ok;
}

bool output_decode_list(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct template *template = decoder->template;
    void *list = NULL;
    (void)into;
    bool ok = decode_list(decoder, node, &output_list_shape, sizeof(struct output), decode_output,
                          &list, &template->outputs_count);
    template->outputs = list;
    return check_directories(decoder, node) && ok;
}
