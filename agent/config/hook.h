/* The `beforePublish:` and `onChange:` lists of an output. */
#pragma once

#include <stdbool.h>

#include "config/decode.h"
#include "config/yaml.h"

extern const struct shape hook_list_shape;       /* of onChange: signal, http, exec */
extern const struct shape hook_check_list_shape; /* of beforePublish: exec */

/* Of all signals with a name that can be caught: a pattern (config/shape.h). */
#define HOOK_SIGNAL_NAMES                                                                          \
    "(SIG)?(HUP|INT|QUIT|ILL|TRAP|ABRT|BUS|FPE|USR1|SEGV|USR2|PIPE|ALRM|TERM|STKFLT|CHLD|CONT|"    \
    "TSTP|TTIN|TTOU|URG|XCPU|XFSZ|VTALRM|PROF|WINCH|POLL|PWR|SYS)"
/* HUP, SIGHUP: not KILL or STOP, which nobody can catch. */
bool hook_find_signal(struct str name, int *ret_signal);

/* By either shape. The list belongs to the caller also on failure. */
bool hook_decode_list(struct decoder *decoder, const struct yaml_node *node,
                      const struct shape *shape, struct hook **ret_list, size_t *ret_count);
