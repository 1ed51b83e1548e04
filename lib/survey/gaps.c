#include "survey/gaps.h"
#include "survey/way.h"
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

/* A walk along the way to a timeline. */
struct walk {
    const struct inventory *inventory;
    const struct inventory_timeline *target;
    struct gaps *gaps;
    uint64_t next; /* the segment behind the last that was met; UINT64_MAX: none yet,
                    * so that nothing is missed before it */
    size_t sure;   /* so many gaps are there: the others only if something comes behind them */
};

static int miss(struct walk *walk, const struct way_piece *piece, uint64_t last, int64_t after,
                struct error *error)
{
    uint64_t first = walk->next > piece->first ? walk->next : piece->first;
    if (first > last)
        return 0;
    bool within = walk->next > piece->first && last < piece->last;
    const struct gap gap = {.kind = within ? GAP_WITHIN : GAP_AT_FORK,
                            .timeline = piece->timeline,
                            .first = first,
                            .last = last,
                            .seen = walk->target->timeline,
                            .after = after};
    return add(walk->gaps, gap, error);
}

/* Segments first to last are there. */
static int meet(struct walk *walk, const struct way_piece *piece, uint64_t first, uint64_t last,
                int64_t time, struct error *error)
{
    if (first > piece->first && miss(walk, piece, first - 1, time, error))
        return -1;
    for (; walk->sure < walk->gaps->count; walk->sure++)
        if (!walk->gaps->list[walk->sure].after)
            walk->gaps->list[walk->sure].after = time;
    if (walk->next == UINT64_MAX || last + 1 > walk->next)
        walk->next = last + 1;
    return 0;
}

static int walk_piece(struct walk *walk, const struct way_piece *piece, struct error *error)
{
    const struct inventory_timeline *timeline = inventory_find(walk->inventory, piece->timeline);
    for (size_t i = 0; timeline && i < timeline->range_count; i++) {
        const struct inventory_range *range = &timeline->ranges[i];
        uint64_t first = range->first > piece->first ? range->first : piece->first;
        uint64_t last = range->last < piece->last ? range->last : piece->last;
        if (first <= last && meet(walk, piece, first, last, range->first_time, error))
            return -1;
    }
    if (piece->last < UINT64_MAX)
        return miss(walk, piece, piece->last, 0, error);
    return 0;
}

/* A partial is the end of what was written, and shows that what is before it was written too. */
static int meet_partial(struct walk *walk, const struct way_piece *piece, struct error *error)
{
    const struct inventory_timeline *target = walk->target;
    if (target->partial_count == 0)
        return 0;
    const struct inventory_partial *partial = &target->partials[target->partial_count - 1];
    if (partial->number < piece->first ||
        (walk->next != UINT64_MAX && partial->number < walk->next))
        return 0;
    return meet(walk, piece, partial->number, partial->number, partial->time, error);
}

/* What is missing on the way to the timeline, between the first and the last that is there. */
static int find_on_way(const struct inventory *inventory, const struct inventory_timeline *target,
                       struct gaps *gaps, struct error *error)
{
    struct walk walk = {inventory, target, gaps, UINT64_MAX, gaps->count};
    for (size_t i = 0; i < way_length(target); i++) {
        struct way_piece piece = way_piece(inventory, target, i);
        if (piece.first > piece.last)
            continue;
        if (walk_piece(&walk, &piece, error) ||
            (i + 1 == way_length(target) && meet_partial(&walk, &piece, error)))
            return -1;
    }
    gaps->count = walk.sure;
    return 0;
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
    return has_wal(timeline) ? find_on_way(inventory, timeline, gaps, error) : 0;
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
