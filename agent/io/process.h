/* What the process forbids itself before it touches anything secret. */
#pragma once

/* Not dumpable (no core, no ptrace by its own user, /proc files closed), core limit 0, umask 077,
 * and the three standard descriptors open. Best effort: none of it can fail on a kernel that runs
 * this program. */
void process_harden(void);

/* Memory that was freed was overwritten then (process_harden sees to that, for libraries too); this
 * gives it back, and overwrites what was used of the stack. For a process that is about to rest. */
void process_forget(void);
