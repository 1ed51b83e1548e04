/* report/totals.h - an inventory in few numbers. */
#ifndef REPORT_TOTALS_H
#define REPORT_TOTALS_H

#include "survey/gaps.h"
#include "survey/inventory.h"

struct totals {
    uint64_t segments, copies, partials, histories;
    uint64_t stored;        /* bytes, of all objects that are WAL files */
    uint64_t wal_stored;    /* bytes, of segments, their copies and partials, */
    uint64_t raw;           /* and what they are when decoded: whole segments */
    uint64_t wal;           /* bytes of WAL: each segment once */
    int64_t oldest, newest; /* 0: not known */
};

void totals_of_timeline(const struct inventory *inventory,
                        const struct inventory_timeline *timeline, struct totals *totals);
void totals_of(const struct inventory *inventory, struct totals *totals);

/* Bytes a day, of `bytes` that were archived between the totals' oldest and newest; 0 when that is
 * less than an hour, which tells nothing. */
uint64_t totals_per_day(const struct totals *totals, uint64_t bytes);

/* How many segments are missing. */
uint64_t totals_missing(const struct gaps *gaps);

#endif
