/* How far the process is confined, once its template is known and before it reads the token: what
 * that template needs, and no more (docs/architecture.md, "Sandbox"). */
#pragma once

#include <stdbool.h>

#include "base/findings.h"
#include "base/log.h"
#include "core/commands.h"
#include "core/wishes.h"
#include "io/sandbox.h"
#include "model/template.h"

struct confine_options {
    const struct template *template; /* borrowed, as all of this */
    const struct log *log;
    enum wishes_life life;
    const char *out_file; /* may be written, and its directory; or null */
    const char *path;     /* of the template, to read it again; or null */
    const struct overrides *overrides;
    bool is_off; /* the user wants none */
};

/* Also closes descriptors that were inherited. Best effort: what is in force is one line of the
 * log, and in `ret_sandbox`, which is done with later. *commands, when it is null, are opened
 * before it when a hook needs them; and for a lasting life also when nothing at all is in force,
 * since a template that comes later may. False, with nothing in force, when they cannot be. */
bool confine_enter(const struct confine_options *options, struct commands **commands,
                   struct sandbox *ret_sandbox, struct error *err);

/* False when nothing at all is in force. */
bool confine_holds(const struct sandbox *sandbox);

/* Could a template that comes later work within it, with these commands (or null)? Findings name
 * what could not. */
bool confine_check(const struct sandbox *sandbox, const struct commands *commands,
                   const struct template *template, struct findings *findings);
