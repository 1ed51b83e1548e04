#include "archive/gaps.h"
#include "base/array.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static int add(struct gaps *gaps, struct gap gap, struct error *error)
{
    void *more = array_reserve(gaps->list, gaps->count, &gaps->room, sizeof *gaps->list, error);
    if (!more)
        return -1;
    gaps->list = more;
    gaps->list[gaps->count++] = gap;
    return 0;
}

static int find_within(const struct inventory_timeline *timeline, struct gaps *gaps,
                       struct error *error)
{
    for (size_t i = 1; i < timeline->range_count; i++) {
        const struct inventory_range *before = &timeline->ranges[i - 1], *behind = before + 1;
        const struct gap gap = {.kind = GAP_WITHIN,
                                .timeline = timeline->timeline,
                                .first = before->last + 1,
                                .last = behind->first - 1,
                                .seen = timeline->timeline,
                                .after = behind->first_time};
        if (add(gaps, gap, error))
            return -1;
    }
    return 0;
}

static bool has_wal(const struct inventory_timeline *timeline)
{
    return timeline->range_count || timeline->partial_count;
}

/* The archive's first segment at all: what lies in front of it was removed or never there. */
static uint64_t first_number(const struct inventory *inventory)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < inventory->timeline_count; i++)
        if (inventory->timelines[i].range_count && inventory->timelines[i].ranges[0].first < first)
            first = inventory->timelines[i].ranges[0].first;
    return first;
}

/* The ancestor's segments up to the fork; the one with the fork is in the descendant's own copy. */
static int find_before_fork(const struct inventory *inventory,
                            const struct inventory_timeline *descendant,
                            const struct wal_ancestor *ancestor, struct gaps *gaps,
                            struct error *error)
{
    uint64_t fork = wal_geometry_number_at(&inventory->geometry, ancestor->address);
    const struct inventory_timeline *parent = inventory_find(inventory, ancestor->timeline);
    if (!parent || !parent->range_count || fork == 0)
        return 0;
    uint64_t last = parent->ranges[parent->range_count - 1].last;
    if (last + 1 >= fork)
        return 0;
    const struct gap gap = {.kind = GAP_AT_FORK,
                            .timeline = ancestor->timeline,
                            .first = last + 1,
                            .last = fork - 1,
                            .seen = descendant->timeline,
                            .after = descendant->oldest};
    return add(gaps, gap, error);
}

/* The descendant's own segments from the fork on. */
static int find_behind_fork(const struct inventory *inventory,
                            const struct inventory_timeline *descendant, struct gaps *gaps,
                            struct error *error)
{
    const struct wal_ancestor *parent = &descendant->ancestors[descendant->ancestor_count - 1];
    uint64_t fork = wal_geometry_number_at(&inventory->geometry, parent->address);
    if (!descendant->range_count || descendant->ranges[0].first <= fork ||
        first_number(inventory) >= descendant->ranges[0].first)
        return 0;
    const struct gap gap = {.kind = GAP_AT_FORK,
                            .timeline = descendant->timeline,
                            .first = fork,
                            .last = descendant->ranges[0].first - 1,
                            .seen = descendant->timeline,
                            .after = descendant->ranges[0].first_time};
    return add(gaps, gap, error);
}

static int find_history(const struct inventory_timeline *timeline, struct gaps *gaps,
                        struct error *error)
{
    bool whole = *timeline->history.text && timeline->history_problem.class == ERROR_NONE;
    if (timeline->timeline == 1 || whole || (!has_wal(timeline) && !*timeline->history.text))
        return 0;
    const struct gap gap = {.kind = GAP_HISTORY,
                            .timeline = timeline->timeline,
                            .seen = timeline->timeline,
                            .after = timeline->oldest};
    return add(gaps, gap, error);
}

static int find_of(const struct inventory *inventory, const struct inventory_timeline *timeline,
                   struct gaps *gaps, struct error *error)
{
    if (find_history(timeline, gaps, error) || find_within(timeline, gaps, error))
        return -1;
    if (!has_wal(timeline) || timeline->ancestor_count == 0)
        return 0;
    for (size_t i = 0; i < timeline->ancestor_count; i++)
        if (find_before_fork(inventory, timeline, &timeline->ancestors[i], gaps, error))
            return -1;
    return find_behind_fork(inventory, timeline, gaps, error);
}

static int compare(const void *a, const void *b)
{
    const struct gap *one = a, *other = b;
    if (one->timeline != other->timeline)
        return one->timeline < other->timeline ? -1 : 1;
    if (one->first != other->first)
        return one->first < other->first ? -1 : 1;
    return (one->last < other->last) - (one->last > other->last); /* the longer one first */
}

/* Several timelines may have missed the same segments of an ancestor. */
static void merge(struct gaps *gaps)
{
    size_t kept = 0;
    for (size_t i = 0; i < gaps->count; i++) {
        const struct gap *gap = &gaps->list[i];
        struct gap *last = kept ? &gaps->list[kept - 1] : NULL;
        bool covered = last && gap->kind != GAP_HISTORY && last->kind != GAP_HISTORY &&
                       last->timeline == gap->timeline && last->last >= gap->last &&
                       last->first <= gap->first;
        if (!covered)
            gaps->list[kept++] = *gap;
    }
    gaps->count = kept;
}

int gaps_find(const struct inventory *inventory, struct gaps *gaps, struct error *error)
{
    *gaps = (struct gaps){.count = 0};
    for (size_t i = 0; i < inventory->timeline_count; i++)
        if (find_of(inventory, &inventory->timelines[i], gaps, error))
            return -1;
    if (gaps->count)
        qsort(gaps->list, gaps->count, sizeof *gaps->list, compare);
    merge(gaps);
    return 0;
}

void gaps_free(struct gaps *gaps)
{
    free(gaps->list);
    *gaps = (struct gaps){.count = 0};
}
