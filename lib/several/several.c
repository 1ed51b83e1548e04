#include "several/several.h"
#include "base/buf.h"
#include "run/pool.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- one place twice ---- */

/* Where a local path begins; NULL for what is remote. */
static const char *local_path(const char *location)
{
    static const char scheme[] = "file://";
    if (strncmp(location, scheme, sizeof scheme - 1) == 0)
        return location + sizeof scheme - 1;
    return strchr("/.", *location) ? location : NULL;
}

/* Steps over what does not change where a path leads: "//", "/./" and a '/' at its end. */
static const char *step(const char *path)
{
    const char *at = path;
    while (*at == '/')
        at += at[1] == '.' && (at[2] == '/' || !at[2]) ? 2 : 1;
    return at == path || !*at ? at : at - 1;
}

static bool is_same_path(const char *one, const char *other)
{
    for (;;) {
        one = step(one);
        other = step(other);
        if (!*one || *one != *other)
            return *one == *other;
        one++;
        other++;
    }
}

static bool is_same_text(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

/* A bucket or host of the same name is another one elsewhere, or for another account. */
static bool is_same_server(const struct storage_options *one, const struct storage_options *other)
{
    return is_same_text(one->s3.endpoint, other->s3.endpoint) &&
           is_same_text(one->s3.profile, other->s3.profile) &&
           is_same_text(one->s3.access_key, other->s3.access_key) &&
           is_same_text(one->rsync.rsh, other->rsync.rsh) &&
           one->rsync.ssh_port == other->rsync.ssh_port;
}

static size_t length_without_slashes(const char *location)
{
    size_t length = strlen(location);
    while (length > 0 && location[length - 1] == '/')
        length--;
    return length;
}

static bool is_same_place(const struct archive *one, const struct archive *other)
{
    const char *path = local_path(one->location), *other_path = local_path(other->location);
    if (path && other_path)
        return is_same_path(path, other_path);
    size_t length = length_without_slashes(one->location);
    return length == length_without_slashes(other->location) &&
           strncmp(one->location, other->location, length) == 0 &&
           is_same_server(&one->options, &other->options);
}

int several_check_places(const struct archive *archives, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (is_same_place(&archives[j], &archives[i]))
                return error_set(error, ERROR_USAGE,
                                 "section [%s] names one place twice: %s and %s",
                                 archives[i].operand, archives[j].location, archives[i].location);
    return 0;
}

/* ---- what weighs most ---- */

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
