/* run/pool.h - work done by several processes at once. Each may hang in the kernel or crash without
 * taking the others along.
 */
#ifndef RUN_POOL_H
#define RUN_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct error;
struct pool;

/* What is done, and where. `context` is the caller's. */
struct pool_work {
    size_t workers;   /* processes, at least 1 */
    uint64_t timeout; /* milliseconds that a worker may stand still, as in run/guard.h */
    uint64_t (*timeout_of)(void *context, const char *job); /* NULL: the same for each job */
    void *context;

    /* In a worker: does the job, appends what it has to tell to *result. What is opened may be kept
     * in the context, which the worker has a copy of, for its next job; `leave` (may be NULL) is
     * called before the worker ends. -1 with the error that `done` is given. */
    int (*run)(void *context, const char *job, struct buf *result, struct error *error);
    void (*leave)(void *context);

    /* In this process, once for each job, in any order: its result, or what it failed with (then
     * `failure` is not NULL): ERROR_UNREACHABLE when the worker stood still and was killed,
     * ERROR_SYSTEM when it crashed, else what run has set. -1 ends everything. */
    int (*done)(void *context, const char *job, const struct buf *result,
                const struct error *failure, struct error *error);

    /* In this process, several times a second while it waits; NULL: nothing. */
    void (*tick)(void *context);
};

/* NULL with ERROR_SYSTEM. `work` is copied. A worker is started when there is a first job for it,
 * and has a copy of all that the caller has by then. */
struct pool *pool_open(const struct pool_work *work, struct error *error);

/* Hands the job, a text, to a worker; when all are busy, waits for one, and calls `done` meanwhile.
 * -1 when `done` has failed or a signal asks to stop (ERROR_INTERRUPTED). */
int pool_submit(struct pool *pool, const char *job, struct error *error);

/* Waits until something comes, for a tenth of a second at most, and calls `done` for what has come:
 * 1, or 0 when there was nothing to wait for. Classes as pool_submit. */
int pool_wait(struct pool *pool, struct error *error);

/* Waits until all jobs are done. Classes as pool_submit. */
int pool_finish(struct pool *pool, struct error *error);

/* Ends the workers; those that are still busy are told to stop, and killed after a second. One
 * that hangs in the kernel is left behind, and ends when that lets it. NULL is allowed. */
void pool_close(struct pool *pool);

#endif
