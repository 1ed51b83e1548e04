#include "verify/inspect.h"
#include "verify/batch.h"
#include "verify/checker.h"
#include "verify/copies.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/moment.h"
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
    struct copies copies;
    struct verified *verified; /* NULL: nothing is remembered */
    struct wal_name fresh;     /* the latest segment that is read because it is not known */
    int64_t begun;             /* seconds since 1970 UTC */
    uint64_t gone;
};

/* ---- settling: in the archive's order ---- */

static enum copy_verdict copy_verdict(enum entry_verdict verdict)
{
    return verdict == ENTRY_DAMAGED ? COPY_DAMAGED : verdict == ENTRY_GONE ? COPY_GONE : COPY_WHOLE;
}

static void count(struct inspection *inspection, const struct entry *entry)
{
    struct verify_checked *checked = &inspection->verification->checked;
    checked->known += entry->verdict == ENTRY_KNOWN;
    if (entry->verdict == ENTRY_LEFT_OUT || entry->verdict == ENTRY_KNOWN)
        return;
    inspection->gone += entry->verdict == ENTRY_GONE;
    checked->objects += entry->verdict != ENTRY_GONE;
    checked->stored += entry->object.size;
    checked->raw += entry->raw;
    checked->records += entry->records;
    checked->headers_only += entry->reach == CHECK_HEADERS;
}

/* What was found whole; of what was not looked at this time, what an earlier run has found. */
static int remember(struct inspection *inspection, const struct entry *entry, struct error *error)
{
    struct verified_entry known = {
        .key = entry->object.key,
        .size = entry->object.size,
        .time = entry->object.time,
        .records = inspection->terms->depth == VERIFY_RECORDS,
        .when = inspection->begun,
    };
    bool is_old = entry->verdict != ENTRY_WHOLE;
    if (entry->verdict == ENTRY_DAMAGED || entry->verdict == ENTRY_GONE ||
        (is_old && !entry->is_remembered))
        return 0;
    return verified_add(inspection->verified, is_old ? &entry->remembered : &known, error);
}

static int settle_entry(struct inspection *inspection, const struct entry *entry,
                        struct error *error)
{
    count(inspection, entry);
    if (entry->verdict == ENTRY_DAMAGED &&
        verification_add_damage(inspection->verification, &entry->object.key, entry->problem,
                                error))
        return -1;
    if (inspection->verified && remember(inspection, entry, error))
        return -1;
    return copies_note(&inspection->copies, &entry->object.object.name,
                       copy_verdict(entry->verdict), error);
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

/* Was it found whole, as deep as is asked for, and not too long ago? */
static bool is_known(const struct inspection *inspection, const struct entry *entry)
{
    const struct verified_entry *known = &entry->remembered;
    return entry->is_remembered && known->size == entry->object.size &&
           known->time == entry->object.time && known->when >= inspection->terms->recheck &&
           (known->records || inspection->terms->depth != VERIFY_RECORDS);
}

/* The record that goes on from a segment which was not known is looked at in the one behind. */
static bool follows_fresh(const struct inspection *inspection, const struct entry *entry)
{
    const struct wal_geometry *geometry = &inspection->verification->inventory.geometry;
    const struct wal_name *name = &entry->object.object.name, *fresh = &inspection->fresh;
    uint64_t number, before;
    return inspection->terms->depth == VERIFY_RECORDS && name->kind == WAL_SEGMENT &&
           name->timeline == fresh->timeline && wal_geometry_number(geometry, name, &number) &&
           wal_geometry_number(geometry, fresh, &before) && number == before + 1;
}

static enum entry_verdict judge(struct inspection *inspection, struct entry *entry)
{
    entry->is_remembered =
        inspection->verified &&
        verified_find(inspection->verified, entry->object.key.text, &entry->remembered);
    if (!selection_has(&inspection->selection, &entry->object))
        return ENTRY_LEFT_OUT;
    if (is_known(inspection, entry))
        return follows_fresh(inspection, entry) ? ENTRY_WAITS : ENTRY_KNOWN;
    if (!is_drawn(inspection))
        return ENTRY_LEFT_OUT;
    if (entry->object.object.name.kind == WAL_SEGMENT)
        inspection->fresh = entry->object.object.name;
    return ENTRY_WAITS;
}

static void count_in(const struct inspection *inspection, struct batch *batch,
                     const struct entry *entry)
{
    const struct verify_watch *watch = &inspection->terms->watch;
    if (entry->verdict == ENTRY_WAITS) {
        batch->waiting++;
        batch->bytes += entry->object.size;
    } else if (watch->skip) {
        watch->skip(watch->context, 1, entry->object.size);
    }
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
    entry->object = *object;
    entry->verdict = judge(inspection, entry);
    count_in(inspection, batch, entry);
    bool is_full = batch->count == BATCH_ENTRIES_MAX || batch->waiting == inspection->job_size;
    return is_full ? close_batch(inspection, error) : 0;
}

static int check_all(struct inspection *inspection, struct error *error)
{
    const struct scan_query query = {.wanted = STORAGE_DETAILS};
    if (archive_scan(inspection->archive, &query, take, inspection, error) ||
        close_batch(inspection, error) || pool_finish(inspection->pool, error) ||
        settle(inspection, error))
        return -1;
    return copies_finish(&inspection->copies, error);
}

/* What is known of objects that were not settled. */
static int save_rest(struct inspection *inspection, struct error *error)
{
    for (const struct batch *batch = inspection->batches.first; batch; batch = batch->next)
        for (size_t i = 0; i < batch->count; i++)
            if (remember(inspection, &batch->entries[i], error))
                return -1;
    return verified_keep_rest(inspection->verified, error);
}

/* Of a run that has failed or was stopped, what it has done is not lost. */
int inspection_run(struct inspection *inspection, struct error *error)
{
    struct error ignored;
    int result = check_all(inspection, error);
    if (!inspection->verified)
        return result;
    if (result == 0)
        return verified_commit(inspection->verified, error);
    if (save_rest(inspection, &ignored) == 0)
        verified_commit(inspection->verified, &ignored);
    return -1;
}

int inspection_cut(const struct inspection *inspection, struct inventory *inventory,
                   struct error *error)
{
    return copies_cut(&inspection->copies, inventory, error);
}

bool inspection_has_lost(const struct inspection *inspection)
{
    return inspection->gone > 0;
}

/* ---- opening ---- */

static uint64_t count_objects(const struct inventory *inventory)
{
    uint64_t objects = inventory->backup_count;
    for (size_t i = 0; i < inventory->timeline_count; i++) {
        const struct inventory_timeline *timeline = &inventory->timelines[i];
        objects += timeline->segments + timeline->copies + timeline->partial_count +
                   (*timeline->history.text != '\0');
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
    inspection->checker = checker_new(inspection->archive, inventory, inspection->terms->depth);
    /* what all of them read together is limited */
    inspection->checker.archive.options.limit_rate =
        (inspection->checker.archive.options.limit_rate + workers - 1) / workers;
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

static int open_state(struct inspection *inspection, struct error *error)
{
    if (!inspection->terms->state)
        return 0;
    inspection->verified =
        verified_open(inspection->terms->state, inspection->archive->location,
                      inspection->verification->inventory.system_identifier, error);
    return inspection->verified ? 0 : -1;
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
    inspection->begun = moment_now();
    inspection->copies.geometry = &verification->inventory.geometry;
    if (getrandom(inspection->lot, sizeof inspection->lot, 0) < 0)
        inspection->lot[0] = (unsigned short)clock_now_ms();
    if (selection_parse(&terms->selection, &verification->inventory.geometry,
                        &inspection->selection, error) ||
        open_state(inspection, error) || start(inspection, error)) {
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
    verified_close(inspection->verified);
    copies_free(&inspection->copies);
    free(inspection);
}
