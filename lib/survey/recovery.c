#include "survey/recovery.h"
#include "survey/way.h"
#include "base/array.h"
#include "base/error.h"

#include <stdlib.h>

uint32_t recovery_timeline_at(const struct inventory *inventory,
                              const struct inventory_timeline *target, uint64_t number)
{
    return way_piece_at(inventory, target, number).timeline;
}

/* Follows the way as far as segments are there without a gap. */
static void follow(const struct inventory *inventory, const struct inventory_timeline *target,
                   struct recovery *recovery)
{
    uint64_t next = recovery->backup->first;
    recovery->last = next - 1;
    for (;;) {
        struct way_piece piece = way_piece_at(inventory, target, next);
        const struct inventory_timeline *timeline = inventory_find(inventory, piece.timeline);
        const struct inventory_range *range = timeline ? inventory_range(timeline, next) : NULL;
        if (!range)
            return;
        recovery->last = range->last < piece.last ? range->last : piece.last;
        recovery->last_timeline = piece.timeline;
        next = recovery->last + 1;
    }
}

/* Is there WAL on the way behind where it ended? */
static bool goes_on(const struct inventory *inventory, const struct inventory_timeline *target,
                    uint64_t last)
{
    for (size_t i = way_length(target); i > 0; i--) {
        struct way_piece piece = way_piece(inventory, target, i - 1);
        const struct inventory_timeline *timeline = inventory_find(inventory, piece.timeline);
        for (size_t j = timeline ? timeline->range_count : 0; j > 0; j--) {
            const struct inventory_range *range = &timeline->ranges[j - 1];
            if (range->last < piece.first || range->last <= last)
                break;
            if (range->first <= piece.last && piece.last > last)
                return true;
        }
    }
    return false;
}

/* Does the timeline descend from the backup's, forked off behind the backup's end? */
static bool leads_to(const struct inventory_backup *backup,
                     const struct inventory_timeline *timeline)
{
    if (timeline->timeline == backup->content.stop_timeline)
        return true;
    for (size_t i = 0; i < timeline->ancestor_count; i++)
        if (timeline->ancestors[i].timeline == backup->content.stop_timeline)
            return timeline->ancestors[i].address >= backup->content.stop;
    return false;
}

bool recovery_towards(const struct inventory *inventory, const struct inventory_backup *backup,
                      const struct inventory_timeline *target, struct recovery *recovery)
{
    *recovery = (struct recovery){.backup = backup, .timeline = target->timeline};
    if (!leads_to(backup, target))
        return false;
    follow(inventory, target, recovery);
    recovery->consistent = recovery->last + 1 > backup->last;
    recovery->goes_on = goes_on(inventory, target, recovery->last);
    return true;
}

static int add(struct recoveries *recoveries, const struct recovery *recovery, struct error *error)
{
    void *more = array_reserve(recoveries->list, recoveries->count, &recoveries->room,
                               sizeof *recoveries->list, error);
    if (!more)
        return -1;
    recoveries->list = more;
    recoveries->list[recoveries->count++] = *recovery;
    return 0;
}

static bool is_own(const struct recovery *recovery)
{
    return recovery->timeline == recovery->backup->content.stop_timeline;
}

/* One that does not reach the timeline says no more than the timeline where it stopped. */
static int find_of(const struct inventory *inventory, const struct inventory_backup *backup,
                   struct recoveries *recoveries, struct error *error)
{
    for (size_t i = 0; i < inventory->timeline_count; i++) {
        const struct inventory_timeline *target = &inventory->timelines[i];
        struct recovery recovery;
        if (!recovery_towards(inventory, backup, target, &recovery))
            continue;
        bool reached = recovery.consistent && recovery.last_timeline == target->timeline;
        if ((is_own(&recovery) || reached) && add(recoveries, &recovery, error))
            return -1;
    }
    return 0;
}

int recoveries_find(const struct inventory *inventory, struct recoveries *recoveries,
                    struct error *error)
{
    *recoveries = (struct recoveries){.count = 0};
    for (size_t i = 0; i < inventory->backup_count; i++)
        if (inventory->backups[i].problem.class == ERROR_NONE &&
            find_of(inventory, &inventory->backups[i], recoveries, error))
            return -1;
    return 0;
}

void recoveries_free(struct recoveries *recoveries)
{
    free(recoveries->list);
    *recoveries = (struct recoveries){.count = 0};
}
