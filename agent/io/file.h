/* Whole files, read with a limit. Never blocks on a FIFO and never reads a device. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/secret.h"

/* Reads the regular file at `path` (symlinks are followed: mounted Secrets are symlinks). Errors
 * have the given code, and the errno of the cause, if there is one. */
bool file_read(const char *path, enum error_code code, struct buf *buf, struct error *err);

/* All that comes from `fd`, which may be a pipe; `name` is for messages. */
bool file_read_stream(int fd, const char *name, enum error_code code, struct buf *buf,
                      struct error *err);

/* The same for bytes that are secret. *ret_mode (may be null) is the file's mode. */
bool file_read_secret(const char *path, enum error_code code, struct secret *secret,
                      unsigned *ret_mode, struct error *err);
