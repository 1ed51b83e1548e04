/* What a verification says in the end; see verify.h. */
#include "verify/verify.h"

static uint64_t segments_of(const struct gap *gap)
{
    return gap->kind == GAP_HISTORY ? 0 : gap->last - gap->first + 1;
}

struct verify_faults verification_faults(const struct verification *verification)
{
    struct verify_faults faults = {.damaged = verification->damage_count};
    for (size_t i = 0; i < verification->gap_count; i++) {
        const struct verify_gap *gap = &verification->gaps[i];
        if (gap->known) {
            faults.known_gaps++;
        } else {
            faults.gaps++;
            faults.missing += segments_of(&gap->gap);
        }
    }
    for (size_t i = 0; i < verification->inventory.backup_count; i++)
        faults.backups += verification->backups[i] == BACKUP_CUT;
    return faults;
}

bool verification_is_whole(const struct verification *verification)
{
    struct verify_faults faults = verification_faults(verification);
    return faults.gaps == 0 && faults.damaged == 0 && faults.backups == 0;
}

bool verification_lacks(const struct verification *verification, const struct wal_name *name,
                        uint64_t *number)
{
    const struct inventory *inventory = &verification->inventory;
    const struct inventory_timeline *timeline = inventory_find(inventory, name->timeline);
    return name->kind == WAL_SEGMENT && timeline &&
           wal_geometry_number(&inventory->geometry, name, number) &&
           !inventory_range(timeline, *number);
}

uint32_t verification_stopped_on(const struct verification *verification,
                                 const struct recovery *recovery)
{
    const struct inventory *inventory = &verification->inventory;
    const struct inventory_timeline *target = inventory_find(inventory, recovery->timeline);
    return target ? recovery_timeline_at(inventory, target, recovery->last + 1)
                  : recovery->timeline;
}

bool verification_stops(const struct verification *verification, const struct recovery *recovery,
                        uint32_t timeline, uint64_t first, uint64_t last)
{
    uint64_t next = recovery->last + 1;
    return next >= first && next <= last &&
           verification_stopped_on(verification, recovery) == timeline;
}

const struct inventory_backup *verification_behind(const struct verification *verification,
                                                   uint32_t timeline, uint64_t last)
{
    const struct inventory *inventory = &verification->inventory;
    for (size_t i = 0; i < verification->recoveries.count; i++) {
        const struct recovery *recovery = &verification->recoveries.list[i];
        const struct inventory_timeline *target = inventory_find(inventory, recovery->timeline);
        if (recovery->consistent && recovery->backup->first > last && target &&
            recovery_timeline_at(inventory, target, last) == timeline)
            return recovery->backup;
    }
    return NULL;
}
