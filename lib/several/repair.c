#include "several/repair.h"
#include "several/copier.h"
#include "several/peers.h"
#include "several/several.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/spool.h"
#include "run/pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last segment of a timeline that several archives have. */
struct common {
    struct wal_name name;
    uint64_t has;
};

struct repair {
    struct copier copier;           /* of a worker */
    const struct archive *archives; /* not open */
    struct peers peers;             /* the same, open, for names */
    const struct repair_watch *watch;
    struct pool *pool;
    uint64_t failed;
    enum error_class worst;
    struct common *common; /* one for each timeline, in order */
    size_t common_count, common_room;
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
    bool disputed =
        failure->class == ERROR_REFUSED && wal_name_parse(job, strcspn(job, " "), &name);
    return disputed ? dispute(repair, &name, error) : 0;
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
    for (size_t to = 0; to < repair->peers.count; to++)
        if (copier_has(lacks, to))
            repair->watch->plan(repair->watch->context, name, repair->archives[from].location,
                                repair->archives[to].location);
}

static bool has_several(uint64_t has)
{
    return (has & (has - 1)) != 0;
}

static int submit(struct repair *repair, const struct wal_name *name, uint64_t has, uint64_t lacks,
                  struct error *error)
{
    char job[COPIER_JOB_SIZE];
    copier_write_job(name, has, lacks, job);
    return pool_submit(repair->pool, job, error);
}

/* ---- do several servers use a timeline? Then what they last have in common differs, or its
 * history ---- */

static int note_common(void *context, const struct wal_name *name, uint64_t has,
                       struct error *error)
{
    struct repair *repair = context;
    size_t count = repair->common_count;
    repair->watch->tick(repair->watch->context);
    if (name->kind != WAL_SEGMENT || !has_several(has))
        return 0;
    if (!count || repair->common[count - 1].name.timeline != name->timeline) {
        void *more = array_reserve(repair->common, count, &repair->common_room,
                                   sizeof *repair->common, error);
        if (!more)
            return -1;
        repair->common = more;
        count = ++repair->common_count;
    }
    repair->common[count - 1] = (struct common){*name, has};
    return 0;
}

static int compare_common(struct repair *repair, struct error *error)
{
    if (archive_merge(repair->peers.list, repair->peers.count, note_common, repair, error))
        return -1;
    for (size_t i = 0; i < repair->common_count; i++)
        if (submit(repair, &repair->common[i].name, repair->common[i].has, 0, error))
            return -1;
    return pool_finish(repair->pool, error);
}

/* ---- copying ---- */

/* What a timeline's history file says is known before anything else of the timeline is copied. */
static int visit(void *context, const struct wal_name *name, uint64_t has, struct error *error)
{
    struct repair *repair = context;
    uint64_t lacks = repair->peers.owned & ~has;
    bool compares = name->kind == WAL_HISTORY && has_several(has);
    repair->watch->tick(repair->watch->context);
    if ((!lacks && !compares) || is_disputed(repair, name->timeline))
        return 0;
    if (repair->watch->plan) {
        plan(repair, name, has, lacks);
        return 0;
    }
    if (submit(repair, name, has, lacks, error))
        return -1;
    return name->kind == WAL_HISTORY ? pool_finish(repair->pool, error) : 0;
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
    int result = repair->pool ? 0 : -1;
    if (result == 0 && !repair->watch->plan)
        result = compare_common(repair, error);
    if (result == 0)
        result = archive_merge(repair->peers.list, repair->peers.count, visit, repair, error);
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
    struct repair *repair = calloc(1, sizeof *repair);
    if (!repair)
        return error_memory(error);
    *repair = (struct repair){.archives = archives, .watch = watch};
    struct spool spool = SPOOL_NONE;
    int result = peers_open(&repair->peers, archives, count, error);
    if (result == 0 && !watch->plan)
        result = spool_open(&spool, error);
    repair->copier = (struct copier){
        .archives = archives, .count = count, .owner = repair->peers.owner, .scratch = spool.path};
    if (result == 0)
        result = copy_all(repair, jobs, error);
    spool_close(&spool);
    peers_close(&repair->peers);
    free(repair->disputed);
    free(repair->common);
    free(repair);
    return result;
}
