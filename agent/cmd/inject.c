#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/emit.h"
#include "io/file.h"

static bool read_template(const char *path, struct buf *text, struct error *err)
{
    if (!path) {
        return file_read_stream(STDIN_FILENO, "<standard input>", ERROR_TEMPLATE, text, err);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC); /* may be a pipe: inject -i <(command) */
    if (fd < 0) {
        return error_set_errno(err, ERROR_TEMPLATE, errno, "%s", path);
    }
    bool ok = file_read_stream(fd, path, ERROR_TEMPLATE, text, err);
    close(fd);
    return ok;
}

int command_inject(const struct options *options)
{
    struct buf text;
    struct error error;
    int status;
    buf_init(&text, LIMIT_TEMPLATE_FILE);
    if (read_template(options->in_file, &text, &error)) {
        const char *name = options->in_file ? options->in_file : "<standard input>";
        status = emit("inject", options, &(struct adhoc){name, buf_str(&text)}, false);
    } else {
        fprintf(stderr, "connect-agent inject: %s\n", error.message);
        status = error_describe(error.code)->exit_status;
    }
    buf_done(&text);
    return status;
}
