#include "verify/verify.h"
#include "verify/consistency.h"
#include "verify/ends.h"
#include "verify/inspect.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/moment.h"
#include "base/signals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECENT = 60, /* seconds */
    PAUSE_MS = 1500,
    LOOKS_MAX = 4, /* at what changes each time */
};

/* ---- gaps ---- */

static struct wal_name name_history(uint32_t timeline)
{
    struct wal_name name;
    char text[WAL_NAME_MAX + 1];
    int length = snprintf(text, sizeof text, "%08" PRIX32 ".history", timeline);
    wal_name_parse(text, (size_t)length, &name);
    return name;
}

static void judge_gap(struct verification *verification, struct verify_gap *gap)
{
    const struct wal_geometry *geometry = &verification->inventory.geometry;
    const struct gap *what = &gap->gap;
    bool is_history = what->kind == GAP_HISTORY;
    gap->first = is_history ? name_history(what->timeline)
                            : wal_geometry_name(geometry, what->timeline, what->first);
    gap->last = is_history ? gap->first : wal_geometry_name(geometry, what->timeline, what->last);
    gap->known = known_find(&verification->known, &gap->first, &gap->last);
}

static int find_gaps(struct verification *verification, struct error *error)
{
    struct gaps gaps;
    int result = gaps_find(&verification->inventory, &gaps, error);
    if (result == 0 && gaps.count) {
        verification->gaps = calloc(gaps.count, sizeof *verification->gaps);
        result = verification->gaps ? 0 : error_memory(error);
    }
    for (size_t i = 0; result == 0 && i < gaps.count; i++) {
        verification->gaps[i].gap = gaps.list[i];
        judge_gap(verification, &verification->gaps[i]);
        verification->gap_count++;
    }
    gaps_free(&gaps);
    return result;
}

/* ---- damage ---- */

static bool is_told(const struct verification *verification, const struct object_key *key)
{
    for (size_t i = 0; i < verification->damage_count; i++)
        if (strcmp(verification->damages[i].key.text, key->text) == 0)
            return true;
    return false;
}

int verification_add_damage(struct verification *verification, const struct object_key *key,
                            const char *problem, struct error *error)
{
    struct verify_damage damage = {.key = *key};
    struct object object = {.name.kind = WAL_HISTORY};
    bool is_small = !object_parse(key->text, &object) || object.name.kind == WAL_HISTORY ||
                    object.name.kind == WAL_BACKUP;
    if (is_small && is_told(verification, key))
        return 0; /* the inventory has read it too */
    void *more = array_reserve(verification->damages, verification->damage_count,
                               &verification->damage_room, sizeof damage, error);
    if (!more)
        return -1;
    verification->damages = more;
    damage.name = object.name;
    damage.problem = strdup(problem);
    if (!damage.problem)
        return error_memory(error);
    verification->damages[verification->damage_count++] = damage;
    return 0;
}

static int compare_damages(const void *a, const void *b)
{
    return strcmp(((const struct verify_damage *)a)->key.text,
                  ((const struct verify_damage *)b)->key.text);
}

/* What the inventory has read already. */
static int find_damaged_texts(struct verification *verification, struct error *error)
{
    const struct inventory *inventory = &verification->inventory;
    for (size_t i = 0; i < inventory->timeline_count; i++) {
        const struct inventory_timeline *timeline = &inventory->timelines[i];
        if (timeline->history_problem.class != ERROR_NONE &&
            verification_add_damage(verification, &timeline->history,
                                    timeline->history_problem.message, error))
            return -1;
    }
    for (size_t i = 0; i < inventory->backup_count; i++) {
        const struct inventory_backup *backup = &inventory->backups[i];
        if (backup->problem.class != ERROR_NONE &&
            verification_add_damage(verification, &backup->key, backup->problem.message, error))
            return -1;
    }
    return consistency_check(verification, error);
}

/* ---- backups and recoveries ---- */

static uint64_t first_number(const struct inventory *inventory)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < inventory->timeline_count; i++)
        if (inventory->timelines[i].range_count && inventory->timelines[i].ranges[0].first < first)
            first = inventory->timelines[i].ranges[0].first;
    return first;
}

static bool is_behind_selection(const struct verification *verification, uint64_t number)
{
    const char *bound = verification->selection.to;
    struct wal_name name = wal_geometry_name(&verification->inventory.geometry, 1, number);
    return *bound && strcmp(name.text + strlen(name.text) - SELECTION_POSITION, bound) > 0;
}

static bool is_known(const struct verification *verification, uint32_t timeline, uint64_t number)
{
    struct wal_name name = wal_geometry_name(&verification->inventory.geometry, timeline, number);
    return known_find(&verification->known, &name, &name) != NULL;
}

static enum verify_backup judge_cut(const struct verification *verification,
                                    const struct inventory_backup *backup,
                                    const struct recovery *recovery)
{
    const struct inventory *inventory = &verification->inventory;
    if (backup->first < first_number(inventory) || is_behind_selection(verification, backup->last))
        return BACKUP_OUTSIDE;
    if (recovery &&
        is_known(verification, verification_stopped_on(verification, recovery), recovery->last + 1))
        return BACKUP_KNOWN;
    return BACKUP_CUT;
}

static enum verify_backup judge_backup(const struct verification *verification,
                                       const struct inventory_backup *backup)
{
    const struct recovery *recovery = NULL;
    if (backup->problem.class != ERROR_NONE)
        return BACKUP_DAMAGED;
    for (size_t i = 0; i < verification->recoveries.count && !recovery; i++)
        if (verification->recoveries.list[i].backup == backup)
            recovery = &verification->recoveries.list[i];
    return recovery && recovery->consistent ? BACKUP_RESTORABLE
                                            : judge_cut(verification, backup, recovery);
}

static struct verify_end find_end(const struct verification *verification,
                                  const struct recovery *recovery)
{
    const struct inventory_timeline *timeline =
        inventory_find(&verification->inventory, recovery->last_timeline);
    const struct inventory_range *range =
        timeline ? inventory_range(timeline, recovery->last) : NULL;
    if (!range || range->last != recovery->last || !range->newest)
        return (struct verify_end){VERIFY_END_UNKNOWN, 0};
    return (struct verify_end){VERIFY_END_ARCHIVED, range->newest};
}

static int judge(struct verification *verification, struct error *error)
{
    const struct inventory *inventory = &verification->inventory;
    if (recoveries_find(inventory, &verification->recoveries, error))
        return -1;
    verification->backups = calloc(inventory->backup_count + 1, sizeof *verification->backups);
    verification->ends = calloc(verification->recoveries.count + 1, sizeof *verification->ends);
    if (!verification->backups || !verification->ends)
        return error_memory(error);
    for (size_t i = 0; i < inventory->backup_count; i++)
        verification->backups[i] = judge_backup(verification, &inventory->backups[i]);
    for (size_t i = 0; i < verification->recoveries.count; i++)
        verification->ends[i] = find_end(verification, &verification->recoveries.list[i]);
    return 0;
}

/* ---- all of it ---- */

static int read_inventory(struct archive *archive, const struct verify_terms *terms,
                          struct verification *verification, struct error *error)
{
    inventory_free(&verification->inventory);
    return inventory_read(archive, &terms->selection, STORAGE_DETAILS, &verification->inventory,
                          error);
}

/* Is what lies behind a gap so new that the gap may be about to close? */
static bool may_close(const struct verification *verification)
{
    for (size_t i = 0; i < verification->gap_count; i++) {
        const struct verify_gap *gap = &verification->gaps[i];
        if (!gap->known && gap->gap.after > moment_now() - RECENT)
            return true;
    }
    return false;
}

static bool has_unknown(const struct verification *verification)
{
    size_t known = 0;
    while (known < verification->gap_count && verification->gaps[known].known)
        known++;
    return known < verification->gap_count;
}

static bool are_same(const struct verify_gap *before, size_t count,
                     const struct verification *verification)
{
    bool same = count == verification->gap_count;
    for (size_t i = 0; same && i < count; i++)
        same = strcmp(before[i].first.text, verification->gaps[i].first.text) == 0 &&
               strcmp(before[i].last.text, verification->gaps[i].last.text) == 0;
    return same;
}

/* 1: the gaps are other ones than before; 0: the same; -1. */
static int look_again(struct archive *archive, const struct verify_terms *terms,
                      struct verification *verification, struct error *error)
{
    struct verify_gap *before = verification->gaps;
    size_t count = verification->gap_count;
    if (may_close(verification))
        clock_sleep_ms(PAUSE_MS);
    verification->gaps = NULL;
    verification->gap_count = 0;
    int result = signals_check(error) || read_inventory(archive, terms, verification, error) ||
                         find_gaps(verification, error)
                     ? -1
                     : !are_same(before, count, verification);
    free(before);
    return result;
}

/* Several processes may be archiving at once: what comes out of order leaves a gap for a moment.
 * And of what is removed while it is listed a part may be seen. So a gap is believed when two looks
 * in a row have shown the same. */
static int find_lasting_gaps(struct archive *archive, const struct verify_terms *terms,
                             struct verification *verification, struct error *error)
{
    int changed = find_gaps(verification, error) ? -1 : 1;
    for (int look = 1; look < LOOKS_MAX && changed > 0 && has_unknown(verification); look++)
        changed = look_again(archive, terms, verification, error);
    return changed < 0 ? -1 : 0;
}

/* Objects that were removed meanwhile are no damage, and perhaps a gap. */
static int inspect(struct archive *archive, const struct verify_terms *terms,
                   struct inspection *inspection, struct verification *verification,
                   struct error *error)
{
    if (inspection_run(inspection, error))
        return -1;
    if (inspection_has_lost(inspection) && read_inventory(archive, terms, verification, error))
        return -1;
    return find_lasting_gaps(archive, terms, verification, error) ||
                   find_damaged_texts(verification, error) ||
                   inspection_cut(inspection, &verification->inventory, error) ||
                   judge(verification, error) || ends_find(archive, terms, verification, error)
               ? -1
               : 0;
}

static int verify_content(struct archive *archive, const struct verify_terms *terms,
                          struct verification *verification, struct error *error)
{
    struct inspection *inspection = inspection_open(archive, terms, verification, error);
    if (!inspection)
        return -1;
    int result = inspect(archive, terms, inspection, verification, error);
    inspection_close(inspection);
    if (verification->damage_count)
        qsort(verification->damages, verification->damage_count, sizeof *verification->damages,
              compare_damages);
    return result;
}

static int verify_names(struct archive *archive, const struct verify_terms *terms,
                        struct verification *verification, struct error *error)
{
    return find_lasting_gaps(archive, terms, verification, error) ||
                   find_damaged_texts(verification, error) || judge(verification, error)
               ? -1
               : 0;
}

/* Names that are nowhere are a typing error, or a gap on all sides; but nothing may have come since
 * a moment. */
static int check_selection(const struct verification *verification, struct error *error)
{
    const struct selection *selection = &verification->selection;
    if (selection_is_all(selection) || selection->since != INT64_MIN ||
        !inventory_is_empty(&verification->inventory))
        return 0;
    return error_set(error, ERROR_USAGE,
                     "the archive has no WAL within --from, --to and --timeline as given: wallist "
                     "shows what it has");
}

int archive_verify(struct archive *archive, const struct verify_terms *terms,
                   struct verification *verification, struct error *error)
{
    *verification = (struct verification){.depth = terms->depth};
    if (terms->known_gaps && known_read(terms->known_gaps, &verification->known, error))
        return -1;
    if (read_inventory(archive, terms, verification, error) ||
        selection_parse(&terms->selection, &verification->inventory.geometry,
                        &verification->selection, error) ||
        check_selection(verification, error))
        return -1;
    return terms->depth == VERIFY_NAMES ? verify_names(archive, terms, verification, error)
                                        : verify_content(archive, terms, verification, error);
}

void verification_free(struct verification *verification)
{
    for (size_t i = 0; i < verification->damage_count; i++)
        free(verification->damages[i].problem);
    free(verification->damages);
    free(verification->gaps);
    free(verification->backups);
    free(verification->ends);
    recoveries_free(&verification->recoveries);
    inventory_free(&verification->inventory);
    known_free(&verification->known);
    *verification = (struct verification){.gap_count = 0};
}
