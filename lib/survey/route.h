/* survey/route.h - the segments that PostgreSQL reads between two of them, along the timelines,
 * and which of them are in any of several archives. */
#ifndef SURVEY_ROUTE_H
#define SURVEY_ROUTE_H

#include <stdbool.h>

#include "survey/inventory.h"
#include "wal/name.h"

struct error;

struct route {
    const struct inventory *inventories; /* borrowed */
    size_t count;
    const struct inventory *map;             /* the one that knows the timelines */
    const struct inventory_timeline *target; /* of the last segment; NULL: it has no ancestors */
    uint32_t timeline;                       /* its number */
    uint64_t first, last;                    /* numbers of segments */
};

/* Finds the way by the archives' inventories. `to` NULL: to the end, on the latest timeline that
 * descends from the one of `from` behind it. ERROR_USAGE when there is no such way; ERROR_MISSING
 * when the archives have no segment at all. */
int route_find(const struct inventory *inventories, size_t count, const struct wal_name *from,
               const struct wal_name *to, struct route *route, struct error *error);

/* What is on it from `number` on: one segment that is there (1), or a run of segments that are
 * missing up to *last (0). */
int route_look(const struct route *route, uint64_t number, uint64_t *last);

struct wal_name route_name(const struct route *route, uint64_t number);

/* The timelines whose history files are on it, the last one's first; 0 behind the last index. */
uint32_t route_history(const struct route *route, size_t index);

#endif
