/* What the layouts of an output have in common: the state of one publication and the three steps
 * that each layout takes in its own way. */
#pragma once

#include "model/generation.h"
#include "model/template.h"
#include "publish/explain.h"
#include "publish/names.h"
#include "publish/pattern.h"
#include "publish/publish.h"
#include "publish/write.h"

struct layout_steps {
    /* Refuses, compares, and stages what differs. A failure may leave staged files to discard. */
    bool (*stage)(struct publication *publication, struct error *err);
    bool (*commit)(struct publication *publication, struct error *err);
    /* Removes what is staged and not committed; does nothing when there is none. */
    void (*discard)(struct publication *publication);
};

struct atomic {
    struct names tops;          /* first components of the paths: symlinks */
    struct names missing;       /* those that were not there when it was staged */
    char staged[PATTERN_SIZE];  /* directory that nobody reads yet; "": none */
    char current[PATTERN_SIZE]; /* what ..data points to; "": nothing */
};

struct plain {
    struct names files;           /* paths of the set */
    struct names manifest;        /* as it is in the directory */
    struct names made;            /* directories that this publication made */
    char (*staged)[PATTERN_SIZE]; /* owned: temporary name of each file; "": none */
};

struct publication {
    const struct output *output;
    const struct generation *generation;
    const struct layout_steps *steps;
    struct site site;            /* owns its descriptor */
    struct attributes directory; /* of directories below the output */
    struct names directories;    /* that the set has */
    bool changed;
    char *staged_path; /* owned; may be null */
    struct atomic atomic;
    struct plain plain;
};

extern const struct layout_steps layout_atomic;
extern const struct layout_steps layout_plain;

/* What a generation's file is written with. */
static inline struct attributes layout_attributes(const struct generation_file *file)
{
    return (struct attributes){file->mode, file->uid, file->gid};
}
