#include "report/totals.h"

enum { SPAN_MIN = 3600, DAY = 86400 };

static void widen(struct totals *totals, int64_t oldest, int64_t newest)
{
    if (oldest && (!totals->oldest || oldest < totals->oldest))
        totals->oldest = oldest;
    if (newest > totals->newest)
        totals->newest = newest;
}

static void add(const struct inventory *inventory, const struct inventory_timeline *timeline,
                struct totals *totals)
{
    totals->segments += timeline->segments;
    totals->copies += timeline->copies;
    totals->partials += timeline->partial_count;
    totals->histories += *timeline->history.text != '\0';
    totals->stored += timeline->stored + timeline->history_stored;
    totals->wal_stored += timeline->stored;
    totals->raw += inventory_raw(inventory, timeline);
    totals->wal += timeline->segments * inventory->geometry.segment_size;
    widen(totals, timeline->oldest, timeline->newest);
}

void totals_of_timeline(const struct inventory *inventory,
                        const struct inventory_timeline *timeline, struct totals *totals)
{
    *totals = (struct totals){0};
    add(inventory, timeline, totals);
}

void totals_of(const struct inventory *inventory, struct totals *totals)
{
    *totals = (struct totals){0};
    for (size_t i = 0; i < inventory->timeline_count; i++)
        add(inventory, &inventory->timelines[i], totals);
    for (size_t i = 0; i < inventory->backup_count; i++)
        totals->stored += inventory->backups[i].stored;
}

uint64_t totals_per_day(const struct totals *totals, uint64_t bytes)
{
    int64_t span = totals->newest - totals->oldest;
    return span < SPAN_MIN ? 0 : (uint64_t)((double)bytes * DAY / (double)span);
}

uint64_t totals_missing(const struct gaps *gaps)
{
    uint64_t missing = 0;
    for (size_t i = 0; i < gaps->count; i++)
        if (gaps->list[i].kind != GAP_HISTORY)
            missing += gaps->list[i].last - gaps->list[i].first + 1;
    return missing;
}
