#include "archive/repair.h"
#include "archive/copier.h"
#include "archive/identity.h"
#include "archive/inventory.h"
#include "archive/several.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/log.h"
#include "run/pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct repair {
    struct copier copier;           /* of a worker */
    const struct archive *archives; /* not open */
    struct archive *lists;          /* the same, open, for names */
    size_t count;
    size_t opened; /* of lists */
    const struct repair_watch *watch;
    uint64_t targets; /* bits: those that may be written to */
    struct pool *pool;
    uint64_t failed;
    enum error_class worst;
    uint32_t *disputed; /* timelines that two servers use */
    size_t disputed_count, disputed_room;
};

/* ---- in a worker ---- */

static int run(void *context, const char *job, struct buf *result, struct error *error)
{
    struct repair *repair = context;
    return copier_run(&repair->copier, job, result, error);
}

static void leave(void *context)
{
    copier_close(&((struct repair *)context)->copier);
}

/* ---- here ---- */

static int dispute(struct repair *repair, const struct wal_name *name, struct error *error)
{
    void *more = array_reserve(repair->disputed, repair->disputed_count, &repair->disputed_room,
                               sizeof *repair->disputed, error);
    if (!more)
        return -1;
    repair->disputed = more;
    repair->disputed[repair->disputed_count++] = name->timeline;
    return 0;
}

static bool is_disputed(const struct repair *repair, uint32_t timeline)
{
    for (size_t i = 0; i < repair->disputed_count; i++)
        if (repair->disputed[i] == timeline)
            return true;
    return false;
}

static int take_failure(struct repair *repair, const char *job, const struct error *failure,
                        struct error *error)
{
    struct wal_name name;
    const struct error both[] = {{.class = repair->worst}, {.class = failure->class}};
    if (failure->class == ERROR_UNREACHABLE || failure->class == ERROR_SYSTEM ||
        failure->class == ERROR_INTERRUPTED) {
        *error = *failure;
        return -1;
    }
    repair->failed++;
    if (several_worst(both, 2) == 1)
        repair->worst = failure->class;
    repair->watch->failed(repair->watch->context, failure);
    bool history = wal_name_parse(job, strcspn(job, " "), &name) && name.kind == WAL_HISTORY;
    return history ? dispute(repair, &name, error) : 0;
}

static int done(void *context, const char *job, const struct buf *result,
                const struct error *failure, struct error *error)
{
    struct repair *repair = context;
    uint64_t copies, bytes;
    if (failure)
        return take_failure(repair, job, failure, error);
    if (sscanf(result->data, "%" SCNu64 " %" SCNu64, &copies, &bytes) == 2)
        repair->watch->copied(repair->watch->context, copies, bytes);
    return 0;
}

static void tick(void *context)
{
    const struct repair *repair = context;
    repair->watch->tick(repair->watch->context);
}

static void plan(const struct repair *repair, const struct wal_name *name, uint64_t has,
                 uint64_t lacks)
{
    size_t from = 0;
    while (!copier_has(has, from))
        from++;
    for (size_t to = 0; to < repair->count; to++)
        if (copier_has(lacks, to))
            repair->watch->plan(repair->watch->context, name, repair->archives[from].location,
                                repair->archives[to].location);
}

static bool has_several(uint64_t has)
{
    return (has & (has - 1)) != 0;
}

/* What a timeline's history file says is known before anything else of the timeline is copied. */
static int visit(void *context, const struct wal_name *name, uint64_t has, struct error *error)
{
    struct repair *repair = context;
    uint64_t lacks = repair->targets & ~has;
    char job[COPIER_JOB_SIZE];
    bool compares = name->kind == WAL_HISTORY && has_several(has);
    repair->watch->tick(repair->watch->context);
    if ((!lacks && !compares) || is_disputed(repair, name->timeline))
        return 0;
    if (repair->watch->plan) {
        plan(repair, name, has, lacks);
        return 0;
    }
    copier_write_job(name, has, lacks, job);
    if (pool_submit(repair->pool, job, error))
        return -1;
    return name->kind == WAL_HISTORY ? pool_finish(repair->pool, error) : 0;
}

/* ---- the archives ---- */

/* Whose it is, by its identity; another tool's by its segments, and that is not written to. */
static int learn_owner(struct repair *repair, size_t index, uint64_t *owner, struct error *error)
{
    struct archive *archive = &repair->lists[index];
    struct inventory inventory = {.has_geometry = false};
    int found = identity_read(archive, owner, error);
    if (found < 0)
        return -1;
    if (found > 0) {
        repair->targets |= UINT64_C(1) << index;
        return 0;
    }
    if (inventory_geometry(archive, &inventory, error) < 0)
        return -1;
    *owner = inventory.system_identifier;
    if (!*owner)
        return error_set(error, ERROR_UNREACHABLE,
                         "it is empty and has no identity: is it mounted? If it is new, give it "
                         "one with walpush --init");
    log_info("%s has no identity: it is only read", archive->location);
    return 0;
}

static int check_owner(struct repair *repair, uint64_t owner, struct error *error)
{
    if (!repair->copier.owner)
        repair->copier.owner = owner;
    if (owner == repair->copier.owner)
        return 0;
    return error_set(error, ERROR_REFUSED,
                     "it belongs to the cluster with system identifier %" PRIu64 ", %s to %" PRIu64,
                     owner, repair->archives[0].location, repair->copier.owner);
}

static int open_lists(struct repair *repair, struct error *error)
{
    for (; repair->opened < repair->count; repair->opened++) {
        size_t index = repair->opened;
        struct archive *archive = &repair->lists[index];
        uint64_t owner = 0;
        *archive = repair->archives[index];
        if (archive_open(archive, error))
            return error_prefix(error, "%s: ", archive->location);
        if (archive_recognise(archive, error) || learn_owner(repair, index, &owner, error) ||
            check_owner(repair, owner, error)) {
            repair->opened++;
            return error_prefix(error, "%s: ", archive->location);
        }
    }
    return 0;
}

static int copy_all(struct repair *repair, size_t jobs, struct error *error)
{
    const struct pool_work work = {.workers = jobs,
                                   .timeout = repair->archives[0].options.timeout,
                                   .context = repair,
                                   .run = run,
                                   .leave = leave,
                                   .done = done,
                                   .tick = tick};
    repair->pool = pool_open(&work, error);
    int result =
        repair->pool ? archive_merge(repair->lists, repair->count, visit, repair, error) : -1;
    if (result == 0)
        result = pool_finish(repair->pool, error);
    pool_close(repair->pool);
    if (result == 0 && repair->failed)
        result = error_set(error, repair->worst, "%" PRIu64 " file%s could not be copied",
                           repair->failed, repair->failed == 1 ? "" : "s");
    return result;
}

int archive_repair(const struct archive *archives, size_t count, size_t jobs,
                   const struct repair_watch *watch, struct error *error)
{
    if (count < 2 || count > MERGE_MAX)
        return error_set(error, ERROR_USAGE,
                         "a repair needs a section that names 2 to %d archives, not %zu",
                         (int)MERGE_MAX, count);
    struct repair *repair = calloc(1, sizeof *repair);
    struct archive *lists = calloc(count, sizeof *lists);
    int result = repair && lists ? 0 : error_memory(error);
    if (result == 0) {
        *repair = (struct repair){.copier = {.archives = archives, .count = count},
                                  .archives = archives,
                                  .lists = lists,
                                  .count = count,
                                  .watch = watch};
        result = open_lists(repair, error) || copy_all(repair, jobs, error) ? -1 : 0;
        for (size_t i = 0; i < repair->opened; i++)
            archive_close(&lists[i]);
        free(repair->disputed);
    }
    free(lists);
    free(repair);
    return result;
}
