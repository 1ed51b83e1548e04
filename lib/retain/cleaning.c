#include "retain/cleaning.h"
#include "survey/recovery.h"
#include "archive/scan.h"
#include "base/error.h"
#include "base/log.h"
#include "base/moment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cleaning_has_rule(const struct cleaning_request *request)
{
    return request->rule.backups || request->rule.days || request->rule.size;
}

/* ---- how much lies behind each backup ---- */

struct sizes {
    const struct inventory *inventory;
    uint64_t *from;          /* per backup: first of what lies in front of the next one */
    uint64_t stored, always; /* of all, and of what stays whatever the cutoff */
};

static int add_size(void *context, const struct scan_object *object, struct error *error)
{
    struct sizes *sizes = context;
    const struct inventory *inventory = sizes->inventory;
    uint64_t number;
    (void)error;
    if (!object)
        return 0;
    sizes->stored += object->size;
    if (!wal_geometry_number(&inventory->geometry, &object->object.name, &number)) {
        sizes->always += object->size;
        return 0;
    }
    size_t low = 0, high = inventory->backup_count; /* how many backups begin up to there */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (inventory->backups[middle].first <= number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0)
        sizes->from[low - 1] += object->size;
    return 0;
}

/* Backups of one segment all begin where the first of them does. */
static void sum_up(struct sizes *sizes)
{
    uint64_t sum = sizes->always;
    const struct inventory_backup *backups = sizes->inventory->backups;
    for (size_t i = sizes->inventory->backup_count; i > 0; i--) {
        sum += sizes->from[i - 1];
        sizes->from[i - 1] = sum;
    }
    for (size_t i = 1; i < sizes->inventory->backup_count; i++)
        if (backups[i].first == backups[i - 1].first)
            sizes->from[i] = sizes->from[i - 1];
}

static int measure_backups(struct archive *archive, struct sizes *sizes, struct error *error)
{
    const struct scan_query query = {.wanted = STORAGE_DETAILS};
    sizes->from = calloc(sizes->inventory->backup_count + 1, sizeof *sizes->from);
    if (!sizes->from)
        return error_memory(error);
    if (archive_scan(archive, &query, add_size, sizes, error))
        return -1;
    sum_up(sizes);
    return 0;
}

/* ---- base backups ---- */

static int decide(struct archive *archive, const struct cleaning_request *request,
                  struct cleaning *cleaning, struct error *error)
{
    struct sizes sizes = {.inventory = &cleaning->inventory};
    struct retention_rule rule = request->rule;
    int result = rule.size ? measure_backups(archive, &sizes, error) : 0;
    rule.now = request->now;
    rule.stored_from = sizes.from;
    rule.stored = sizes.stored;
    if (result == 0)
        result = retention_decide(&cleaning->inventory, &rule, &cleaning->retention, error);
    free(sizes.from);
    return result;
}

static void tell(const struct cleaning *cleaning, const struct cleaning_request *request)
{
    const struct inventory *inventory = &cleaning->inventory;
    const struct retention *retention = &cleaning->retention;
    for (size_t i = 0; i < retention->note_count; i++)
        log_info("nothing goes: %s", retention->notes[i]);
    for (size_t i = 0; i < inventory->backup_count; i++) {
        if (retention->backups[i].reasons & RETENTION_ALONE)
            log_warning("the newest base backup and its WAL take more than keep-size, %" PRIu64
                        " bytes; they are kept",
                        request->rule.size);
        if (retention->backups[i].reasons & RETENTION_OTHER_LINE)
            log_warning("timeline %" PRIu32 " is not on the way to timeline %" PRIu32
                        ", the newest, but may be in use too: the newest base backup there, %s, "
                        "is kept as well",
                        inventory->backups[i].content.stop_timeline, retention->newest,
                        inventory->backups[i].name.text);
    }
    if (!retention->goes_on)
        return;
    uint32_t timeline = recovery_timeline_at(
        inventory, inventory_find(inventory, retention->newest), retention->end);
    struct wal_name last = wal_geometry_name(&inventory->geometry, timeline, retention->end);
    log_warning("WAL is missing behind %s: no base backup can be recovered beyond it; take a new "
                "one",
                last.text);
}

static int apply_rule(struct archive *archive, const struct cleaning_request *request,
                      struct cleaning *cleaning, struct error *error)
{
    const struct selection_text all = {.from = NULL};
    if (inventory_read(archive, &all, STORAGE_DETAILS, &cleaning->inventory, error) ||
        decide(archive, request, cleaning, error))
        return -1;
    tell(cleaning, request);
    if (cleaning->retention.cutoff) {
        struct wal_name name =
            wal_geometry_name(&cleaning->inventory.geometry, 1, cleaning->retention.cutoff);
        memcpy(cleaning->segment, name.text, sizeof cleaning->segment);
    }
    return 0;
}

/* ---- standbys ---- */

static void warn(const struct standby *standby, const struct cleaning_request *request)
{
    char heard[MOMENT_SIZE];
    moment_format(standby->heard, heard);
    if (request->release_stale)
        log_warning("nothing is kept for standby %s, which was last heard of at %s", standby->name,
                    heard);
    else
        log_warning("standby %s was last heard of at %s, and all WAL from %s on is kept for it; "
                    "if it is gone: walclean --forget-standby=%s",
                    standby->name, heard, standby->segment, standby->name);
}

/* Timelines are not compared, as nowhere here. */
static bool is_older(const char *segment, const char *than)
{
    return strcmp(segment + 8, than + 8) < 0;
}

static void heed_standbys(const struct cleaning_request *request, struct cleaning *cleaning)
{
    for (size_t i = 0; i < cleaning->standbys.count; i++) {
        const struct standby *standby = &cleaning->standbys.list[i];
        /* Not recorded by a dry run: then what is said now counts. */
        if (request->standby && strcmp(standby->name, request->standby) == 0)
            continue;
        bool stale = request->now - standby->heard > request->standby_timeout;
        if (stale)
            warn(standby, request);
        else
            log_info("standby %s needs %s and later", standby->name, standby->segment);
        bool holds = !stale || !request->release_stale;
        if (holds && *cleaning->segment && is_older(standby->segment, cleaning->segment)) {
            snprintf(cleaning->segment, sizeof cleaning->segment, "%s", standby->segment);
            cleaning->held_by = standby;
        }
    }
}

/* ---- all of it ---- */

static void heed_oldest(const struct cleaning_request *request, struct cleaning *cleaning)
{
    bool ruled = cleaning_has_rule(request);
    if (!request->oldest ||
        (ruled && (!*cleaning->segment || !is_older(request->oldest, cleaning->segment))))
        return;
    snprintf(cleaning->segment, sizeof cleaning->segment, "%s", request->oldest);
    cleaning->held_by_oldest = ruled;
}

static int check_standby(struct archive *archive, const struct cleaning_request *request,
                         struct error *error)
{
    if (!request->standby || request->options.dry_run)
        return 0;
    return standby_record(archive, request->standby, request->oldest, error);
}

int cleaning_plan(struct archive *archive, const struct cleaning_request *request,
                  struct cleaning *cleaning, struct error *error)
{
    *cleaning = (struct cleaning){.goes = NULL};
    if (clean_check(archive, error) || check_standby(archive, request, error) ||
        standbys_read(archive, &cleaning->standbys, error) ||
        (cleaning_has_rule(request) && apply_rule(archive, request, cleaning, error)))
        return -1;
    heed_oldest(request, cleaning);
    heed_standbys(request, cleaning);
    return 0;
}

void cleaning_free(struct cleaning *cleaning)
{
    standbys_free(&cleaning->standbys);
    inventory_free(&cleaning->inventory);
    retention_free(&cleaning->retention);
    free(cleaning->goes);
    free(cleaning->stays);
    *cleaning = (struct cleaning){.goes = NULL};
}

/* ---- counting ---- */

struct measure {
    const struct cleaning_request *request;
    struct cleaning *cleaning;
};

static void count(struct cleaning_tally *tally, const struct wal_name *name, uint64_t size)
{
    uint64_t *const counters[] = {
        [WAL_SEGMENT] = &tally->segments,
        [WAL_PARTIAL] = &tally->partials,
        [WAL_BACKUP] = &tally->backups,
        [WAL_HISTORY] = NULL,
    };
    if (counters[name->kind])
        ++*counters[name->kind];
    tally->stored += size;
}

static int measure(void *context, const struct scan_object *object, struct error *error)
{
    struct measure *measure = context;
    struct cleaning *cleaning = measure->cleaning;
    (void)error;
    if (!object)
        return 0;
    const struct wal_name *name = &object->object.name;
    bool goes = *cleaning->segment &&
                clean_removes(cleaning->segment, &measure->request->options, object->key.text);
    const struct inventory_timeline *timeline =
        inventory_find(&cleaning->inventory, name->timeline);
    struct cleaning_tally *tallies = goes ? cleaning->goes : cleaning->stays;
    if (timeline)
        count(&tallies[timeline - cleaning->inventory.timelines], name, object->size);
    count(goes ? &cleaning->all_goes : &cleaning->all_stays, name, object->size);
    return 0;
}

int cleaning_measure(struct archive *archive, const struct cleaning_request *request,
                     struct cleaning *cleaning, struct error *error)
{
    struct measure context = {request, cleaning};
    const struct scan_query query = {.wanted = STORAGE_DETAILS};
    size_t timelines = cleaning->inventory.timeline_count + 1;
    cleaning->goes = calloc(timelines, sizeof *cleaning->goes);
    cleaning->stays = calloc(timelines, sizeof *cleaning->stays);
    if (!cleaning->goes || !cleaning->stays)
        return error_memory(error);
    return archive_scan(archive, &query, measure, &context, error);
}
