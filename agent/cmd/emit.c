#include "cmd/emit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/load.h"
#include "core/agent.h"
#include "publish/save.h"

struct job {
    const char *command;
    const struct options *options;
    bool newline;
    int status; /* when what was resolved cannot be written */
};

static void complain(const struct job *job, const char *message)
{
    fprintf(stderr, "connect-agent %s: %s\n", job->command, message);
}

static bool write_all(struct str bytes)
{
    while (bytes.size > 0) {
        ssize_t size = write(STDOUT_FILENO, bytes.bytes, bytes.size);
        if (size < 0 && errno != EINTR) {
            return false;
        }
        bytes = str_slice(bytes, size > 0 ? (size_t)size : 0, bytes.size);
    }
    return true;
}

static bool put_out(const struct job *job, struct str bytes, struct error *err)
{
    const struct options *options = job->options;
    if (options->out_file) {
        return save_file(options->out_file, options->file_mode, options->force, bytes, err);
    }
    return (write_all(bytes) && (!job->newline || write_all(str_from("\n")))) ||
           error_set_errno(err, ERROR_OUTPUT, errno, "cannot write to standard output");
}

static void look(void *context, const struct agent_view *view)
{
    struct job *job = context;
    struct error error;
    size_t count = view->findings ? view->findings->count : 0;
    for (size_t i = 0; i < count; i++) {
        char text[2 * LIMIT_MESSAGE];
        finding_print(&view->findings->list[i], text, sizeof(text));
        complain(job, text);
    }
    if (view->error && count == 0) {
        complain(job, view->error->message);
    }
    if (view->error) {
        return;
    }
    const struct generation_file *file = &view->generations[0].files[0];
    if (!put_out(job, secret_str(file->bytes), &error)) {
        complain(job, error.message);
        job->status = error_describe(error.code)->exit_status;
    }
}

static int resolve(struct job *job, const struct template *template)
{
    const struct options *options = job->options;
    const struct agent_preview preview = {job, look};
    int status = agent_preview(
        &(struct agent_options){
            .template = template,
            .log = &options->log,
            .clock = options->log.clock,
            .token_variable = getenv("OP_CONNECT_TOKEN"),
            .timeout_ms = options->timeout_ms,
            .out_file = options->out_file,
            .sandbox_off = options->sandbox_off,
        },
        &preview);
    return status == EX_OK ? job->status : status;
}

int emit(const char *command, const struct options *options, const struct adhoc *adhoc,
         bool newline)
{
    struct job job = {command, options, newline, EX_OK};
    struct loaded loaded = {.template = NULL};
    int status;
    findings_init(&loaded.findings);
    if (adhoc_load(adhoc, options->template_given ? options->template_path : NULL,
                   &options->overrides, &loaded.findings, &loaded.template) &&
        load_require_host(&loaded)) {
        status = resolve(&job, loaded.template);
    } else {
        load_complain(&loaded, command);
        status = load_exit_status(&loaded);
    }
    load_done(&loaded);
    return status;
}
