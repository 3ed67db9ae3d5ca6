/* What the process forbids itself before it touches anything secret. */
#pragma once

#include <signal.h>
#include <stdbool.h>

/* Not dumpable (no core, no ptrace by its own user, /proc files closed), core limit 0, umask 077,
 * the three standard descriptors open, and SIGCHLD not ignored. Best effort: none of it can fail on
 * a kernel that runs this program. */
void process_harden(void);

/* The core limit for good: for a process that starts no command which may have its own back. */
void process_seal(void);

/* Remembers the descriptors that this process was started with, so that a command gets them, as
 * from any init process (LISTEN_FDS). Before it opens its own. */
void process_note_inherited(void);
/* Descriptors above the standard ones that this process was started with, but `keep` (-1: none);
 * before it opens its own. */
void process_close_inherited(int keep);

/* Is there a controlling terminal? Then the kernel sends ^C and ^Z to the whole group, the shell
 * moves all of it between foreground and background, and reading is for the foreground alone;
 * wherever standard input comes from. */
bool process_has_terminal(void);

/* A program that is no part of ours starts with the file mode mask and core limit that this process
 * was born with, and with the descriptors that were noted, none of ours: libraries open some that
 * it would inherit. For a child, before it runs the program. */
void process_be_as_born(void);
/* What it starts with in the place of our own: the signals that were blocked when this process was
 * born, and as usual those that we ignore and that were not ignored then. */
void process_born_signals(sigset_t *ret_blocked, sigset_t *ret_defaults);

/* Memory that was freed was overwritten then (process_harden sees to that, for libraries too); this
 * gives it back, and overwrites what was used of the stack. For a process that is about to rest. */
void process_forget(void);
