#include "report/verify.h"

static void add_timeline(struct verify_totals *totals, const struct inventory_timeline *timeline)
{
    totals->segments += timeline->segments;
    totals->stored += timeline->stored;
    totals->timelines += timeline->segments > 0;
    if (timeline->newest > totals->newest)
        totals->newest = timeline->newest;
}

struct verify_totals verify_total(const struct verification *verification)
{
    const struct inventory *inventory = &verification->inventory;
    struct verify_totals totals = {.backups = inventory->backup_count};
    for (size_t i = 0; i < inventory->timeline_count; i++)
        add_timeline(&totals, &inventory->timelines[i]);
    for (size_t i = 0; i < inventory->backup_count; i++) {
        if (verification->backups[i] != BACKUP_RESTORABLE)
            continue;
        totals.restorable++;
        if (inventory->backups[i].time > totals.newest_backup)
            totals.newest_backup = inventory->backups[i].time;
    }
    return totals;
}
