/* The output directory itself: found or made, checked, and locked. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "model/template.h"

/* Its last component is no symlink, it is on tmpfs or ramfs unless allow_disk, and no other agent
 * holds its lock. What is missing is made: 0755 above, directory_mode and owner for the last; but
 * nothing is made on a disk. The lock lasts until *ret_fd is closed. ERROR_OUTPUT. */
bool root_open(const struct output *output, int *ret_fd, struct error *err);
/* Is it on tmpfs or ramfs? False also when it is not there. */
bool root_is_memory(const char *directory);
