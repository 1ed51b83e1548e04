/* thread.h - a thread that computes. Signals are for the thread that waits in system calls: here
 * all are blocked. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* False when there can be no further thread: the caller then does the work itself. The caller joins
 * it. */
bool thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

#endif
