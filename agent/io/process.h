/* What the process forbids itself before it touches anything secret. */
#pragma once

/* Not dumpable (no core, no ptrace by its own user, /proc files closed), core limit 0, umask 077,
 * and the three standard descriptors open. Best effort: none of it can fail on a kernel that runs
 * this program. */
void process_harden(void);
