#include "archive/way.h"
#include "archive/recovery.h"
#include "base/error.h"

#include <string.h>

/* ---- on the way ---- */

static uint32_t timeline_at(const struct way *way, uint64_t number)
{
    return way->target ? recovery_timeline_at(way->map, way->target, number) : way->timeline;
}

struct wal_name way_name(const struct way *way, uint64_t number)
{
    return wal_geometry_name(&way->map->geometry, timeline_at(way, number), number);
}

static bool is_there(const struct way *way, uint64_t number)
{
    uint32_t timeline = timeline_at(way, number);
    for (size_t i = 0; i < way->count; i++) {
        const struct inventory_timeline *found = inventory_find(&way->inventories[i], timeline);
        if (found && inventory_range(found, number))
            return true;
    }
    return false;
}

/* The next number behind this one at which a range begins in any archive, on any timeline; or one
 * at which the way changes to another. */
static uint64_t next_begin(const struct way *way, uint64_t number)
{
    uint64_t next = way->last + 1;
    for (size_t i = 0; i < way->count; i++)
        for (size_t j = 0; j < way->inventories[i].timeline_count; j++) {
            const struct inventory_timeline *timeline = &way->inventories[i].timelines[j];
            for (size_t k = 0; k < timeline->range_count; k++)
                if (timeline->ranges[k].first > number && timeline->ranges[k].first < next)
                    next = timeline->ranges[k].first;
        }
    for (size_t i = 0; way->target && i < way->target->ancestor_count; i++) {
        uint64_t fork =
            wal_geometry_number_at(&way->map->geometry, way->target->ancestors[i].address);
        if (fork > number && fork < next)
            next = fork;
    }
    return next;
}

int way_look(const struct way *way, uint64_t number, uint64_t *last)
{
    *last = number;
    if (is_there(way, number))
        return 1;
    uint64_t next = number;
    do
        next = next_begin(way, next);
    while (next <= way->last && !is_there(way, next));
    *last = next - 1;
    return 0;
}

uint32_t way_history(const struct way *way, size_t index)
{
    size_t ancestors = way->target ? way->target->ancestor_count : 0;
    uint32_t timeline = index == 0           ? way->timeline
                        : index <= ancestors ? way->target->ancestors[ancestors - index].timeline
                                             : 0;
    return timeline >= timeline_at(way, way->first) ? timeline : 0;
}

/* ---- finding it ---- */

static const struct inventory *find_map(const struct inventory *inventories, size_t count,
                                        uint32_t timeline)
{
    const struct inventory *map = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct inventory_timeline *found = inventory_find(&inventories[i], timeline);
        if (found && found->ancestor_count)
            return &inventories[i];
        if (!map && inventories[i].has_geometry)
            map = &inventories[i];
    }
    return map;
}

/* The last segment that the archive has on the way to this timeline. */
static uint64_t end_of(const struct inventory *inventory, const struct inventory_timeline *target)
{
    uint64_t end = 0;
    for (size_t i = 0; i < inventory->timeline_count; i++) {
        const struct inventory_timeline *timeline = &inventory->timelines[i];
        for (size_t j = 0; j < timeline->range_count; j++) {
            uint64_t last = timeline->ranges[j].last;
            if (last > end && recovery_timeline_at(inventory, target, last) == timeline->timeline)
                end = last;
        }
    }
    return end;
}

/* Does the way to `target` lead through this segment of that timeline? The one with a fork is read
 * from the new timeline, which has a copy of what the old one had written of it. */
static bool leads_through(const struct inventory *inventory,
                          const struct inventory_timeline *target, uint64_t number,
                          uint32_t timeline)
{
    return recovery_timeline_at(inventory, target, number) == timeline ||
           (number > 0 && recovery_timeline_at(inventory, target, number - 1) == timeline);
}

/* As recovery_target_timeline = latest. */
static void find_end(struct way *way, const struct wal_name *from)
{
    for (size_t i = 0; i < way->count; i++)
        for (size_t j = 0; j < way->inventories[i].timeline_count; j++) {
            const struct inventory *inventory = &way->inventories[i];
            const struct inventory_timeline *timeline = &inventory->timelines[j];
            uint64_t number, end = end_of(inventory, timeline);
            if (wal_geometry_number(&way->map->geometry, from, &number) && end >= number &&
                leads_through(inventory, timeline, number, from->timeline) &&
                (timeline->timeline > way->timeline ||
                 (timeline->timeline == way->timeline && end > way->last))) {
                way->timeline = timeline->timeline;
                way->last = end;
            }
        }
}

static int check(const struct way *way, const struct wal_name *from, const struct wal_name *to,
                 struct error *error)
{
    if (to && way->last < way->first)
        return error_set(error, ERROR_USAGE, "%s lies before %s", to->text, from->text);
    if (way->target ? leads_through(way->map, way->target, way->first, from->timeline)
                    : way->timeline == from->timeline)
        return 0;
    return error_set(error, ERROR_USAGE,
                     "no way leads from %s to timeline %u: by the archive's history files it does "
                     "not descend from timeline %u there",
                     from->text, (unsigned)way->timeline, (unsigned)from->timeline);
}

static int read_number(const struct way *way, const struct wal_name *name, uint64_t *number,
                       struct error *error)
{
    if (wal_geometry_number(&way->map->geometry, name, number))
        return 0;
    return error_set(error, ERROR_USAGE, "there is no %s with the archive's segments of %u MB",
                     name->text, (unsigned)(way->map->geometry.segment_size >> 20));
}

int way_find(const struct inventory *inventories, size_t count, const struct wal_name *from,
             const struct wal_name *to, struct way *way, struct error *error)
{
    uint32_t timeline = to ? to->timeline : from->timeline;
    *way = (struct way){.inventories = inventories, .count = count, .timeline = timeline};
    way->map = find_map(inventories, count, timeline);
    if (!way->map)
        return error_set(error, ERROR_MISSING, "there is no segment at all");
    if (read_number(way, from, &way->first, error) ||
        (to && read_number(way, to, &way->last, error)))
        return -1;
    if (!to) {
        way->last = way->first;
        find_end(way, from);
        way->map = find_map(inventories, count, way->timeline);
    }
    way->target = inventory_find(way->map, way->timeline);
    return check(way, from, to, error);
}
