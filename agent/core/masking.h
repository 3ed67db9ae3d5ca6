/* `exec --mask`: both outputs of the command pass through us, and every value that was resolved for
 * it, now or earlier, is taken out (render/mask.h). The values are put away (io/stash.h) while no
 * output comes. */
#pragma once

#include <stdbool.h>

#include "core/cycle.h"
#include "core/journal.h"
#include "io/loop.h"

struct masking;

struct masking_owner {
    void *context;
    void (*finished)(void *context); /* after masking_finish: all output is written */
};

/* Borrows loop and journal until masking_free. */
bool masking_new(struct loop *loop, struct journal *journal, const struct masking_owner *owner,
                 struct masking **ret_masking, struct error *err);
/* Null is allowed. */
void masking_free(struct masking *masking);

/* What the command is started with in place of standard output and standard error; borrowed. */
const int *masking_descriptors(const struct masking *masking);
/* From now on the values of this cycle too. After a failure it is as before. */
bool masking_learn(struct masking *masking, const struct template *template,
                   const struct cycle *cycle, struct error *err);
/* The command is over. */
void masking_finish(struct masking *masking);
