#include "publish/publish.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "publish/directory.h"
#include "publish/layout.h"
#include "publish/root.h"
#include "publish/sweep.h"

static bool check_paths(const struct output *output, const struct generation *generation,
                        struct error *err)
{
    for (size_t i = 0; i < generation->count; i++) {
        if (!pattern_is_publishable(generation->files[i].path)) {
            return error_set(err, ERROR_OUTPUT,
                             "%s/%s: not a path for a file: it must be relative and normalised, "
                             "not begin with \"..\" and not look like a name of connect-agent's",
                             output->directory, generation->files[i].path);
        }
    }
    return true;
}

static bool measure(struct publication *publication, struct error *err)
{
    for (size_t i = 0; i < publication->generation->count; i++) {
        const struct generation_file *file = &publication->generation->files[i];
        publication->site.bytes += secret_size(file->bytes);
        if (!names_add_parents(&publication->directories, file->path, err)) {
            return false;
        }
    }
    return true;
}

static bool stage(struct publication *publication, struct error *err)
{
    if (!check_paths(publication->output, publication->generation, err) ||
        !measure(publication, err) || !root_open(publication->output, &publication->site.fd, err)) {
        return false;
    }
    sweep_leftovers(publication->site.fd);
    return publication->steps->stage(publication, err);
}

bool publish_stage(const struct output *output, const struct generation *generation,
                   struct publication **ret_publication, struct error *err)
{
    struct publication *publication = calloc(1, sizeof(*publication));
    if (!publication) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    *publication = (struct publication){
        .output = output,
        .generation = generation,
        .steps = output->layout == LAYOUT_PLAIN ? &layout_plain : &layout_atomic,
        .site = {output->directory, -1, 0},
        .directory = {output->directory_mode, output->uid, output->gid},
    };
    if (!stage(publication, err)) {
        publish_free(publication);
        return false;
    }
    *ret_publication = publication;
    return true;
}

bool publish_is_changed(const struct publication *publication)
{
    return publication->changed;
}

bool publish_is_replacing(const struct publication *publication)
{
    return publication->atomic.current[0] || publication->plain.manifest.count > 0;
}

const char *publish_staged_path(const struct publication *publication)
{
    return publication->staged_path;
}

bool publish_commit(struct publication *publication, struct error *err)
{
    return publication->steps->commit(publication, err);
}

static bool has_file(int fd, const char *through, const char *path)
{
    char whole[PATH_MAX];
    return (size_t)snprintf(whole, sizeof(whole), "%s%s", through, path) < sizeof(whole) &&
           faccessat(fd, whole, F_OK, 0) == 0;
}

bool publish_is_there(const struct output *output)
{
    bool plain = output->layout == LAYOUT_PLAIN;
    FD_AUTO fd = open(output->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool all = fd >= 0 && has_file(fd, "", plain ? PATTERN_LIST : PATTERN_DATA);
    for (size_t i = 0; all && i < output->files_count; i++) {
        const struct file *file = &output->files[i];
        all = file->value.optional || has_file(fd, plain ? "" : PATTERN_THROUGH, file->path);
    }
    return all;
}

void publish_free(struct publication *publication)
{
    if (!publication) {
        return;
    }
    if (publication->site.fd >= 0) {
        publication->steps->discard(publication);
        close(publication->site.fd);
    }
    names_done(&publication->directories);
    names_done(&publication->atomic.tops);
    names_done(&publication->atomic.missing);
    names_done(&publication->plain.files);
    names_done(&publication->plain.manifest);
    names_done(&publication->plain.made);
    free(publication->plain.staged);
    free(publication->staged_path);
    free(publication);
}
