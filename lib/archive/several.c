#include "archive/several.h"
#include "base/buf.h"
#include "run/pool.h"

#include <stdio.h>
#include <stdlib.h>

struct several {
    const struct archive *archives;
    const struct several_work *work;
    struct error *failures;
};

enum { JOB_SIZE = 24 };

static size_t index_of(const char *job)
{
    return (size_t)strtoull(job, NULL, 10);
}

static int run(void *context, const char *job, struct buf *result, struct error *error)
{
    const struct several *several = context;
    struct archive archive = several->archives[index_of(job)];
    (void)result;
    return several->work->run(several->work->context, &archive, error);
}

static int done(void *context, const char *job, const struct buf *result,
                const struct error *failure, struct error *error)
{
    const struct several *several = context;
    size_t index = index_of(job);
    (void)result;
    (void)error;
    if (failure) {
        several->failures[index] = *failure;
        error_prefix(&several->failures[index], "%s: ", several->archives[index].location);
    }
    return 0;
}

static uint64_t timeout_of(void *context, const char *job)
{
    const struct several *several = context;
    return several->archives[index_of(job)].options.timeout;
}

static int submit_all(struct pool *pool, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        char job[JOB_SIZE];
        snprintf(job, sizeof job, "%zu", i);
        if (pool_submit(pool, job, error))
            return -1;
    }
    return pool_finish(pool, error);
}

int several_run(const struct archive *archives, size_t count, const struct several_work *work,
                struct error *failures, struct error *error)
{
    struct several several = {archives, work, failures};
    const struct pool_work pool_work = {.workers = work->at_once,
                                        .timeout_of = timeout_of,
                                        .context = &several,
                                        .run = run,
                                        .done = done};
    for (size_t i = 0; i < count; i++)
        failures[i].class = ERROR_NONE;
    struct pool *pool = pool_open(&pool_work, error);
    if (!pool)
        return -1;
    int result = submit_all(pool, count, error);
    pool_close(pool);
    return result;
}

static const int weights[] = {
    [ERROR_NONE] = 0,    [ERROR_MISSING] = 1, [ERROR_UNREACHABLE] = 2,
    [ERROR_SYSTEM] = 3,  [ERROR_USAGE] = 4,   [ERROR_CORRUPT] = 5,
    [ERROR_REFUSED] = 6, [ERROR_EXISTS] = 6,  [ERROR_INTERRUPTED] = 7,
};

size_t several_worst(const struct error *failures, size_t count)
{
    size_t worst = count;
    for (size_t i = 0; i < count; i++)
        if (failures[i].class != ERROR_NONE &&
            (worst == count || weights[failures[i].class] > weights[failures[worst].class]))
            worst = i;
    return worst;
}
