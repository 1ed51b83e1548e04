#include "verify/ends.h"
#include "verify/checker.h"
#include "base/error.h"
#include "run/pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct ends {
    struct checker checker;
    struct verification *verification;
};

static int run(void *context, const char *job, struct buf *answer, struct error *error)
{
    struct ends *ends = context;
    return checker_run(&ends->checker, job, answer, error);
}

static void leave(void *context)
{
    struct ends *ends = context;
    checker_leave(&ends->checker);
}

/* The job's number is the recovery's. */
static int done(void *context, const char *job, const struct buf *answer,
                const struct error *failure, struct error *error)
{
    enum { MICROSECONDS = 1000000 };
    struct ends *ends = context;
    long long time;
    if (failure) {
        *error = *failure;
        return -1;
    }
    if (answer->data && sscanf(answer->data, "%lld", &time) == 1)
        ends->verification->ends[strtoull(job, NULL, 10)] =
            (struct verify_end){VERIFY_END_COMMIT, time / MICROSECONDS};
    return 0;
}

static bool is_same_end(const struct recovery *one, const struct recovery *other)
{
    return one->last_timeline == other->last_timeline && one->last == other->last;
}

/* The first recovery that ends where this one does. */
static size_t first_like(const struct recoveries *recoveries, size_t index)
{
    size_t first = 0;
    while (!recoveries->list[first].consistent ||
           !is_same_end(&recoveries->list[first], &recoveries->list[index]))
        first++;
    return first;
}

/* Each end once, however many recoveries go there. */
static int ask(struct pool *pool, const struct recoveries *recoveries, struct error *error)
{
    for (size_t i = 0; i < recoveries->count; i++) {
        const struct recovery *recovery = &recoveries->list[i];
        char job[128];
        if (!recovery->consistent || first_like(recoveries, i) != i)
            continue;
        snprintf(job, sizeof job, "%zu\ntime %" PRIu32 " %" PRIu64, i, recovery->timeline,
                 recovery->last);
        if (pool_submit(pool, job, error))
            return -1;
    }
    return pool_finish(pool, error);
}

static size_t count_ends(const struct recoveries *recoveries)
{
    size_t count = 0;
    for (size_t i = 0; i < recoveries->count; i++)
        count += recoveries->list[i].consistent && first_like(recoveries, i) == i;
    return count;
}

int ends_find(struct archive *archive, const struct verify_terms *terms,
              struct verification *verification, struct error *error)
{
    const struct recoveries *recoveries = &verification->recoveries;
    struct ends ends = {checker_new(archive, &verification->inventory, terms->depth), verification};
    size_t count = count_ends(recoveries);
    if (count == 0)
        return 0;
    const struct pool_work work = {.workers = count < terms->workers ? count : terms->workers,
                                   .timeout = archive->options.timeout,
                                   .context = &ends,
                                   .run = run,
                                   .leave = leave,
                                   .done = done};
    struct pool *pool = pool_open(&work, error);
    int result = pool ? ask(pool, recoveries, error) : -1;
    pool_close(pool);
    for (size_t i = 0; i < recoveries->count; i++)
        if (result == 0 && recoveries->list[i].consistent)
            verification->ends[i] = verification->ends[first_like(recoveries, i)];
    return result;
}
