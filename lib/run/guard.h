/* run/guard.h - a deadline for work that may hang in the kernel.
 *
 * A file system that does not answer (NFS without its server) puts a process to sleep where no
 * timer reaches it, and PostgreSQL would wait for it without end. So the work is done in a child,
 * and this process, which touches nothing that can hang, waits.
 */
#ifndef RUN_GUARD_H
#define RUN_GUARD_H

#include <stdint.h>

struct error;

/* Runs work(context) in a child process and returns what it returned (0..255, the exit code). When
 * the child has not used the processor for `timeout` milliseconds it is killed: -1 with
 * ERROR_UNREACHABLE; but not while it is standard output that it waits for. A child that crashes:
 * -1 with ERROR_SYSTEM. A signal that asks to stop is passed on to the child, and -1 with
 * ERROR_INTERRUPTED; when the child can't be ended within a few seconds it is left behind. The
 * child goes when this process goes. */
int guard_run(int (*work)(void *context), void *context, uint64_t timeout, struct error *error);

#endif
