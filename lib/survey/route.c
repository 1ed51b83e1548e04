#include "survey/route.h"
#include "survey/recovery.h"
#include "base/error.h"

#include <string.h>

/* ---- on the way ---- */

static uint32_t timeline_at(const struct route *route, uint64_t number)
{
    return route->target ? recovery_timeline_at(route->map, route->target, number)
                         : route->timeline;
}

struct wal_name route_name(const struct route *route, uint64_t number)
{
    return wal_geometry_name(&route->map->geometry, timeline_at(route, number), number);
}

static bool is_there(const struct route *route, uint64_t number)
{
    uint32_t timeline = timeline_at(route, number);
    for (size_t i = 0; i < route->count; i++) {
        const struct inventory_timeline *found = inventory_find(&route->inventories[i], timeline);
        if (found && inventory_range(found, number))
            return true;
    }
    return false;
}

/* The next number behind this one at which a range begins in any archive, on any timeline; or one
 * at which the way changes to another. */
static uint64_t next_begin(const struct route *route, uint64_t number)
{
    uint64_t next = route->last + 1;
    for (size_t i = 0; i < route->count; i++)
        for (size_t j = 0; j < route->inventories[i].timeline_count; j++) {
            const struct inventory_timeline *timeline = &route->inventories[i].timelines[j];
            for (size_t k = 0; k < timeline->range_count; k++)
                if (timeline->ranges[k].first > number && timeline->ranges[k].first < next)
                    next = timeline->ranges[k].first;
        }
    for (size_t i = 0; route->target && i < route->target->ancestor_count; i++) {
        uint64_t fork =
            wal_geometry_number_at(&route->map->geometry, route->target->ancestors[i].address);
        if (fork > number && fork < next)
            next = fork;
    }
    return next;
}

int route_look(const struct route *route, uint64_t number, uint64_t *last)
{
    *last = number;
    if (is_there(route, number))
        return 1;
    uint64_t next = number;
    do
        next = next_begin(route, next);
    while (next <= route->last && !is_there(route, next));
    *last = next - 1;
    return 0;
}

uint32_t route_history(const struct route *route, size_t index)
{
    size_t ancestors = route->target ? route->target->ancestor_count : 0;
    uint32_t timeline = index == 0           ? route->timeline
                        : index <= ancestors ? route->target->ancestors[ancestors - index].timeline
                                             : 0;
    return timeline >= timeline_at(route, route->first) ? timeline : 0;
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
static void find_end(struct route *route, const struct wal_name *from)
{
    for (size_t i = 0; i < route->count; i++)
        for (size_t j = 0; j < route->inventories[i].timeline_count; j++) {
            const struct inventory *inventory = &route->inventories[i];
            const struct inventory_timeline *timeline = &inventory->timelines[j];
            uint64_t number, end = end_of(inventory, timeline);
            if (wal_geometry_number(&route->map->geometry, from, &number) && end >= number &&
                leads_through(inventory, timeline, number, from->timeline) &&
                (timeline->timeline > route->timeline ||
                 (timeline->timeline == route->timeline && end > route->last))) {
                route->timeline = timeline->timeline;
                route->last = end;
            }
        }
}

static int check(const struct route *route, const struct wal_name *from, const struct wal_name *to,
                 struct error *error)
{
    if (to && route->last < route->first)
        return error_set(error, ERROR_USAGE, "%s lies before %s", to->text, from->text);
    if (route->target ? leads_through(route->map, route->target, route->first, from->timeline)
                      : route->timeline == from->timeline)
        return 0;
    return error_set(error, ERROR_USAGE,
                     "no way leads from %s to timeline %u: by the archive's history files it does "
                     "not descend from timeline %u there",
                     from->text, (unsigned)route->timeline, (unsigned)from->timeline);
}

static int read_number(const struct route *route, const struct wal_name *name, uint64_t *number,
                       struct error *error)
{
    if (wal_geometry_number(&route->map->geometry, name, number))
        return 0;
    return error_set(error, ERROR_USAGE, "there is no %s with the archive's segments of %u MB",
                     name->text, (unsigned)(route->map->geometry.segment_size >> 20));
}

int route_find(const struct inventory *inventories, size_t count, const struct wal_name *from,
               const struct wal_name *to, struct route *route, struct error *error)
{
    uint32_t timeline = to ? to->timeline : from->timeline;
    *route = (struct route){.inventories = inventories, .count = count, .timeline = timeline};
    route->map = find_map(inventories, count, timeline);
    if (!route->map)
        return error_set(error, ERROR_MISSING, "there is no segment at all");
    if (read_number(route, from, &route->first, error) ||
        (to && read_number(route, to, &route->last, error)))
        return -1;
    if (!to) {
        route->last = route->first;
        find_end(route, from);
        route->map = find_map(inventories, count, route->timeline);
    }
    route->target = inventory_find(route->map, route->timeline);
    return check(route, from, to, error);
}
