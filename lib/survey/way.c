#include "survey/way.h"

size_t way_length(const struct inventory_timeline *target)
{
    return target->ancestor_count + 1;
}

/* The segment with the fork is the descendant's: its copy holds what the ancestor wrote of it. */
static uint64_t fork_of(const struct inventory *inventory, const struct inventory_timeline *target,
                        size_t index)
{
    return wal_geometry_number_at(&inventory->geometry, target->ancestors[index].address);
}

struct way_piece way_piece(const struct inventory *inventory,
                           const struct inventory_timeline *target, size_t index)
{
    struct way_piece piece = {target->timeline, 0, UINT64_MAX};
    if (index > 0)
        piece.first = fork_of(inventory, target, index - 1);
    if (index == target->ancestor_count)
        return piece;
    uint64_t fork = fork_of(inventory, target, index);
    piece.timeline = target->ancestors[index].timeline;
    if (fork == 0)
        piece.first = 1;
    piece.last = fork ? fork - 1 : 0;
    return piece;
}

struct way_piece way_piece_at(const struct inventory *inventory,
                              const struct inventory_timeline *target, uint64_t number)
{
    size_t index = 0;
    while (index < target->ancestor_count && fork_of(inventory, target, index) <= number)
        index++;
    return way_piece(inventory, target, index);
}
