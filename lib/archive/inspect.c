#include "archive/inspect.h"
#include "archive/batch.h"
#include "archive/checker.h"
#include "archive/cut.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/error.h"
#include "run/pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    JOB_MOST = 16,      /* objects a job */
    JOBS_EACH = 4,      /* at least so many jobs a worker, where there are objects for them */
    QUEUE_MAX = 2048,   /* batches that wait for one before them to be settled */
    SAMPLE_ALL = 10000, /* verify_terms.sample */
    SEGMENTS_SIZE_MAX = 1 << 30, /* bytes of segments that are kept whole at once */
};

struct lost {
    uint32_t timeline;
    uint64_t number;
};

struct inspection {
    struct archive *archive;
    const struct verify_terms *terms;
    struct verification *verification;
    struct checker checker;
    struct pool *pool;
    struct selection selection;
    unsigned short lot[3]; /* nrand48's */
    struct batches batches;
    struct batch *open; /* that is being filled */
    size_t job_size;    /* objects */
    /* the segment that is being settled, in all its copies */
    struct wal_name settled;
    bool any_whole, any_damaged;
    struct lost *lost; /* segments without a whole copy */
    size_t lost_count, lost_room;
    uint64_t gone;
    size_t *ends; /* indices of the recoveries whose end is being asked for, by job */
    size_t end_count;
};

/* ---- settling: in the archive's order ---- */

static int lose(struct inspection *inspection, const struct wal_name *name, struct error *error)
{
    struct lost lost = {.timeline = name->timeline};
    if (!wal_geometry_number(&inspection->verification->inventory.geometry, name, &lost.number))
        return 0;
    void *more = array_reserve(inspection->lost, inspection->lost_count, &inspection->lost_room,
                               sizeof lost, error);
    if (!more)
        return -1;
    inspection->lost = more;
    inspection->lost[inspection->lost_count++] = lost;
    return 0;
}

static int settle_segment(struct inspection *inspection, struct error *error)
{
    bool is_lost = inspection->any_damaged && !inspection->any_whole;
    inspection->any_damaged = inspection->any_whole = false;
    return is_lost ? lose(inspection, &inspection->settled, error) : 0;
}

/* A copy of which nothing is said may be whole. */
static int note_copy(struct inspection *inspection, const struct entry *entry, struct error *error)
{
    const struct wal_name *name = &entry->object.object.name;
    if (name->kind != WAL_SEGMENT)
        return 0;
    if (strcmp(name->text, inspection->settled.text) != 0 && settle_segment(inspection, error))
        return -1;
    inspection->settled = *name;
    inspection->any_damaged |= entry->verdict == ENTRY_DAMAGED;
    inspection->any_whole |= entry->verdict == ENTRY_WHOLE || entry->verdict == ENTRY_LEFT_OUT;
    return 0;
}

static void count(struct inspection *inspection, const struct entry *entry)
{
    struct verify_checked *checked = &inspection->verification->checked;
    if (entry->verdict == ENTRY_LEFT_OUT)
        return;
    inspection->gone += entry->verdict == ENTRY_GONE;
    checked->objects += entry->verdict != ENTRY_GONE;
    checked->stored += entry->object.size;
    checked->raw += entry->raw;
    checked->records += entry->records;
    checked->headers_only += entry->reach == CHECK_HEADERS;
}

static int settle_entry(struct inspection *inspection, const struct entry *entry,
                        struct error *error)
{
    count(inspection, entry);
    if (entry->verdict == ENTRY_DAMAGED &&
        verification_add_damage(inspection->verification, &entry->object.key, entry->problem,
                                error))
        return -1;
    return note_copy(inspection, entry, error);
}

static int settle(struct inspection *inspection, struct error *error)
{
    struct batches *batches = &inspection->batches;
    while (batches->first && batches->first->done) {
        for (size_t i = 0; i < batches->first->count; i++)
            if (settle_entry(inspection, &batches->first->entries[i], error))
                return -1;
        batches_drop(batches);
    }
    return 0;
}

/* ---- jobs ---- */

static int done(void *context, const char *job, const struct buf *answer,
                const struct error *failure, struct error *error)
{
    struct inspection *inspection = context;
    uint64_t number = strtoull(job, NULL, 10);
    if (failure) {
        *error = *failure;
        return -1;
    }
    if (inspection->ends) {
        long long time;
        if (answer->data && sscanf(answer->data, "%lld", &time) == 1)
            inspection->verification->ends[inspection->ends[number]] =
                (struct verify_end){VERIFY_END_COMMIT, time / 1000000};
        return 0;
    }
    struct batch *batch = batches_find(&inspection->batches, number);
    if (!batch || batch_read_answer(batch, answer->data ? answer->data : "", error))
        return -1;
    const struct verify_watch *watch = &inspection->terms->watch;
    if (watch->done)
        watch->done(watch->context, batch->waiting, batch->bytes);
    return 0;
}

static int run(void *context, const char *job, struct buf *answer, struct error *error)
{
    struct inspection *inspection = context;
    return checker_run(&inspection->checker, job, answer, error);
}

static void leave(void *context)
{
    struct inspection *inspection = context;
    checker_leave(&inspection->checker);
}

static void tick(void *context)
{
    const struct inspection *inspection = context;
    const struct verify_watch *watch = &inspection->terms->watch;
    if (watch->tick)
        watch->tick(watch->context);
}

static int submit(struct inspection *inspection, struct batch *batch, struct error *error)
{
    struct buf job = {0};
    int result = batch_write_job(batch, &job, error);
    if (result == 0)
        result = pool_submit(inspection->pool, job.data, error);
    buf_free(&job);
    return result;
}

static int close_batch(struct inspection *inspection, struct error *error)
{
    struct batch *batch = inspection->open;
    inspection->open = NULL;
    if (!batch)
        return 0;
    batch->done = batch->waiting == 0;
    if (batch->waiting && submit(inspection, batch, error))
        return -1;
    if (inspection->batches.count > QUEUE_MAX && pool_finish(inspection->pool, error))
        return -1;
    return settle(inspection, error);
}

/* ---- objects ---- */

static bool is_drawn(struct inspection *inspection)
{
    unsigned sample = inspection->terms->sample;
    return sample >= SAMPLE_ALL || (unsigned)nrand48(inspection->lot) % SAMPLE_ALL < sample;
}

static int take(void *context, const struct scan_object *object, struct error *error)
{
    struct inspection *inspection = context;
    if (!object)
        return 0;
    if (!inspection->open && !(inspection->open = batches_add(&inspection->batches, error)))
        return -1;
    struct batch *batch = inspection->open;
    struct entry *entry = &batch->entries[batch->count++];
    bool is_meant = selection_has(&inspection->selection, object) && is_drawn(inspection);
    entry->object = *object;
    entry->verdict = is_meant ? ENTRY_WAITS : ENTRY_LEFT_OUT;
    batch->waiting += is_meant;
    batch->bytes += is_meant ? object->size : 0;
    bool is_full = batch->count == BATCH_ENTRIES_MAX || batch->waiting == inspection->job_size;
    return is_full ? close_batch(inspection, error) : 0;
}

int inspection_run(struct inspection *inspection, struct error *error)
{
    const struct scan_query query = {.wanted = STORAGE_DETAILS};
    if (archive_scan(inspection->archive, &query, take, inspection, error) ||
        close_batch(inspection, error) || pool_finish(inspection->pool, error) ||
        settle(inspection, error))
        return -1;
    return settle_segment(inspection, error);
}

int inspection_cut(const struct inspection *inspection, struct inventory *inventory,
                   struct error *error)
{
    for (size_t i = 0; i < inspection->lost_count; i++)
        if (inventory_cut(inventory, inspection->lost[i].timeline, inspection->lost[i].number,
                          error))
            return -1;
    return 0;
}

bool inspection_has_lost(const struct inspection *inspection)
{
    return inspection->gone > 0;
}

/* ---- ends ---- */

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

static int ask_ends(struct inspection *inspection, struct error *error)
{
    const struct recoveries *recoveries = &inspection->verification->recoveries;
    for (size_t i = 0; i < recoveries->count; i++) {
        const struct recovery *recovery = &recoveries->list[i];
        char job[128];
        if (!recovery->consistent || first_like(recoveries, i) != i)
            continue;
        snprintf(job, sizeof job, "%zu\ntime %" PRIu32 " %" PRIu64, inspection->end_count,
                 recovery->timeline, recovery->last);
        inspection->ends[inspection->end_count++] = i;
        if (pool_submit(inspection->pool, job, error))
            return -1;
    }
    return pool_finish(inspection->pool, error);
}

int inspection_find_ends(struct inspection *inspection, struct error *error)
{
    const struct recoveries *recoveries = &inspection->verification->recoveries;
    struct verify_end *ends = inspection->verification->ends;
    inspection->ends = calloc(recoveries->count + 1, sizeof *inspection->ends);
    if (!inspection->ends)
        return error_memory(error);
    if (ask_ends(inspection, error))
        return -1;
    for (size_t i = 0; i < recoveries->count; i++)
        if (recoveries->list[i].consistent)
            ends[i] = ends[first_like(recoveries, i)];
    return 0;
}

/* ---- opening ---- */

static uint64_t count_objects(const struct inventory *inventory)
{
    uint64_t objects = inventory->backup_count;
    for (size_t i = 0; i < inventory->timeline_count; i++) {
        const struct inventory_timeline *timeline = &inventory->timelines[i];
        objects += timeline->segments + timeline->copies + timeline->partial_count + 1;
    }
    return objects;
}

static uint64_t count_bytes(const struct inventory *inventory)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < inventory->timeline_count; i++)
        bytes += inventory->timelines[i].stored;
    return bytes;
}

static size_t at_most(size_t wanted, uint64_t most)
{
    size_t least = most < wanted ? (size_t)most : wanted;
    return least ? least : 1;
}

static int start(struct inspection *inspection, struct error *error)
{
    const struct inventory *inventory = &inspection->verification->inventory;
    uint64_t objects = count_objects(inventory);
    size_t workers = at_most(inspection->terms->workers, objects);
    workers = at_most(workers, SEGMENTS_SIZE_MAX / inventory->geometry.segment_size);
    inspection->job_size = at_most(JOB_MOST, objects / (workers * JOBS_EACH));
    inspection->checker = (struct checker){
        .archive = *inspection->archive,
        .inventory = inventory,
        .owner = inventory->system_identifier,
        .looks_at_records = inspection->terms->depth == VERIFY_RECORDS,
    };
    inspection->checker.archive.storage = NULL;
    const struct pool_work work = {.workers = workers,
                                   .timeout = inspection->archive->options.timeout,
                                   .context = inspection,
                                   .run = run,
                                   .leave = leave,
                                   .done = done,
                                   .tick = tick};
    const struct verify_watch *watch = &inspection->terms->watch;
    if (watch->begin)
        watch->begin(watch->context, objects, count_bytes(inventory));
    inspection->pool = pool_open(&work, error);
    return inspection->pool ? 0 : -1;
}

struct inspection *inspection_open(struct archive *archive, const struct verify_terms *terms,
                                   struct verification *verification, struct error *error)
{
    struct inspection *inspection = calloc(1, sizeof *inspection);
    if (!inspection) {
        error_memory(error);
        return NULL;
    }
    inspection->archive = archive;
    inspection->terms = terms;
    inspection->verification = verification;
    if (getrandom(inspection->lot, sizeof inspection->lot, 0) < 0)
        inspection->lot[0] = (unsigned short)clock_now_ms();
    if (selection_parse(&terms->selection, &verification->inventory.geometry,
                        &inspection->selection, error) ||
        start(inspection, error)) {
        inspection_close(inspection);
        return NULL;
    }
    return inspection;
}

void inspection_close(struct inspection *inspection)
{
    if (!inspection)
        return;
    pool_close(inspection->pool);
    while (inspection->batches.first)
        batches_drop(&inspection->batches);
    free(inspection->lost);
    free(inspection->ends);
    free(inspection);
}
