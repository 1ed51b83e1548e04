#include "verify/consistency.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PROBLEM_SIZE = 200 };

/* They are on no timeline's way, so that a gap among them would not be seen. */
static int check_names(struct verification *verification, struct error *error)
{
    const struct inventory *inventory = &verification->inventory;
    char problem[PROBLEM_SIZE];
    if (inventory->misfits == 0)
        return 0;
    snprintf(problem, sizeof problem,
             "no segment of %" PRIu64 " bytes, as the archive's first are, has this name (%" PRIu64
             " such %s)",
             (uint64_t)inventory->geometry.segment_size, inventory->misfits,
             inventory->misfits == 1 ? "object" : "objects");
    return verification_add_damage(verification, &inventory->misfit, problem, error);
}

/* Up to PostgreSQL 9.4 a fork at a segment's first byte left a copy of the segment before it. */
static uint64_t earliest(const struct inventory *inventory,
                         const struct inventory_timeline *timeline)
{
    uint64_t fork = timeline->ancestors[timeline->ancestor_count - 1].address;
    return wal_geometry_number_at(&inventory->geometry, fork ? fork - 1 : 0);
}

static int check_begin(struct verification *verification, const struct inventory_timeline *timeline,
                       struct error *error)
{
    const struct inventory *inventory = &verification->inventory;
    char problem[PROBLEM_SIZE];
    if (!timeline->ancestor_count || !timeline->range_count ||
        timeline->ranges[0].first >= earliest(inventory, timeline))
        return 0;
    uint64_t fork = timeline->ancestors[timeline->ancestor_count - 1].address;
    struct wal_name first =
        wal_geometry_name(&inventory->geometry, timeline->timeline, timeline->ranges[0].first);
    snprintf(problem, sizeof problem,
             "it says that timeline %" PRIu32 " begins at %" PRIX64 "/%" PRIX32
             ", but there is %s, which is before that",
             timeline->timeline, fork >> 32, (uint32_t)fork, first.text);
    return verification_add_damage(verification, &timeline->history, problem, error);
}

/* A history is its parent's, and one line more. */
static bool is_parent_of(const struct inventory_timeline *timeline, size_t index,
                         const struct inventory_timeline *ancestor)
{
    if (ancestor->ancestor_count != index)
        return false;
    for (size_t i = 0; i < index; i++)
        if (ancestor->ancestors[i].timeline != timeline->ancestors[i].timeline ||
            ancestor->ancestors[i].address != timeline->ancestors[i].address)
            return false;
    return true;
}

static int check_ancestors(struct verification *verification,
                           const struct inventory_timeline *timeline, struct error *error)
{
    const struct inventory *inventory = &verification->inventory;
    char problem[PROBLEM_SIZE];
    for (size_t i = 0; i < timeline->ancestor_count; i++) {
        const struct inventory_timeline *ancestor =
            inventory_find(inventory, timeline->ancestors[i].timeline);
        if (!ancestor || !ancestor->ancestor_count || is_parent_of(timeline, i, ancestor))
            continue;
        snprintf(problem, sizeof problem,
                 "it does not agree with %s: one of them is of another cluster",
                 ancestor->history.text);
        return verification_add_damage(verification, &timeline->history, problem, error);
    }
    return 0;
}

int consistency_check(struct verification *verification, struct error *error)
{
    const struct inventory *inventory = &verification->inventory;
    for (size_t i = 0; i < inventory->timeline_count; i++)
        if (check_begin(verification, &inventory->timelines[i], error) ||
            check_ancestors(verification, &inventory->timelines[i], error))
            return -1;
    return check_names(verification, error);
}
