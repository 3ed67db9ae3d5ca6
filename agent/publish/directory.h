/* What lies below a directory, reached from its descriptor: never above it, and never through a
 * symlink. Functions that return a descriptor or false on failure leave the reason in errno. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish/names.h"

static inline void fd_cleanup(const int *fd)
{
    int saved = errno;
    if (*fd >= 0) {
        close(*fd);
    }
    errno = saved;
}
#define FD_AUTO __attribute__((cleanup(fd_cleanup))) int

/* For reading; a symlink anywhere in `path` gives ELOOP or ENOTDIR. */
int directory_open(int root, const char *path);
int directory_open_file(int root, const char *path);
/* The directory that `path` lies in; *ret_name is the last component. */
int directory_open_parent(int root, const char *path, const char **ret_name);
/* A new file of mode 0, for writing. */
int directory_create(int directory, const char *name);
/* A new directory that only we can enter. */
bool directory_make(int root, const char *path);

/* Of `path` itself, if it is a symlink. */
bool directory_stat(int root, const char *path, struct stat *ret_stat);
/* What the symlink `name` points to; false when it is none or does not fit. */
bool directory_read_link(int directory, const char *name, size_t size, char *out);
/* Adds all entries, hidden ones too. */
bool directory_list(int directory, struct names *names);

bool directory_sync(int directory);
/* Removes a file, or a directory with everything in it. What is not there is removed. */
bool directory_remove(int directory, const char *name);
