#include "verify/cut.h"
#include "base/array.h"

#include <string.h>

static struct inventory_timeline *find(struct inventory *inventory, uint32_t number)
{
    for (size_t i = 0; i < inventory->timeline_count; i++)
        if (inventory->timelines[i].timeline == number)
            return &inventory->timelines[i];
    return NULL;
}

static int insert(struct inventory_timeline *timeline, size_t at, struct error *error)
{
    void *more = array_reserve(timeline->ranges, timeline->range_count, &timeline->range_room,
                               sizeof *timeline->ranges, error);
    if (!more)
        return -1;
    timeline->ranges = more;
    struct inventory_range *place = &timeline->ranges[at];
    memmove(place + 1, place, (timeline->range_count - at) * sizeof *place);
    timeline->range_count++;
    return 0;
}

static void remove_at(struct inventory_timeline *timeline, size_t at)
{
    timeline->range_count--;
    memmove(&timeline->ranges[at], &timeline->ranges[at + 1],
            (timeline->range_count - at) * sizeof *timeline->ranges);
}

/* When the segment before the cut was archived is not known. */
static int split(struct inventory_timeline *timeline, size_t at, uint64_t number,
                 struct error *error)
{
    if (insert(timeline, at, error))
        return -1;
    struct inventory_range *before = &timeline->ranges[at], *behind = before + 1;
    before->last = number - 1;
    before->newest = 0;
    behind->first = number + 1;
    behind->stored = 0;
    behind->first_time = 0;
    return 0;
}

int inventory_cut(struct inventory *inventory, uint32_t timeline_number, uint64_t number,
                  struct error *error)
{
    struct inventory_timeline *timeline = find(inventory, timeline_number);
    const struct inventory_range *found = timeline ? inventory_range(timeline, number) : NULL;
    if (!found)
        return 0;
    size_t at = (size_t)(found - timeline->ranges);
    struct inventory_range *range = &timeline->ranges[at];
    if (range->first == range->last) {
        remove_at(timeline, at);
    } else if (number == range->first) {
        range->first++;
        range->first_time = 0;
    } else if (number == range->last) {
        range->last--;
        range->newest = 0;
    } else {
        return split(timeline, at, number, error);
    }
    return 0;
}
