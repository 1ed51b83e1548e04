/* survey/recovery.h - what can be recovered from an archive: from which base backup, how far, on
 * which timeline. By its inventory, as PostgreSQL would go. */
#ifndef SURVEY_RECOVERY_H
#define SURVEY_RECOVERY_H

#include "survey/inventory.h"

struct error;

/* A base backup and a timeline that it leads to. */
struct recovery {
    const struct inventory_backup *backup; /* of the inventory */
    uint32_t timeline;                     /* that replay ends on */
    bool consistent;        /* replay reaches the backup's end; if not, nothing can be
                             * recovered from it */
    uint64_t last;          /* number of the last segment that is reached; the one
                             * before the backup's first when not even that is there */
    uint32_t last_timeline; /* whose file that segment is */
    bool goes_on;           /* a gap ends it: there is more behind */
};

struct recoveries {
    struct recovery *list; /* by backup in the inventory's order, then by timeline */
    size_t count, room;
};

/* Finds them: for each base backup that can be read its own timeline and each one that descends
 * from it behind the backup's end and that is reached. One that is not consistent is there once.
 * The caller frees them, also after a failure. */
int recoveries_find(const struct inventory *inventory, struct recoveries *recoveries,
                    struct error *error);
void recoveries_free(struct recoveries *recoveries);

/* How far a replay from a base backup that can be read gets on its way to `target`. False when the
 * backup does not lead there: another branch, or the timeline forked off before the backup's end.
 */
bool recovery_towards(const struct inventory *inventory, const struct inventory_backup *backup,
                      const struct inventory_timeline *target, struct recovery *recovery);

/* The timeline whose file of segment `number` a replay towards `target` reads: the latest on the
 * way that had begun by then. A timeline without a history has no ancestors, as for PostgreSQL. */
uint32_t recovery_timeline_at(const struct inventory *inventory,
                              const struct inventory_timeline *target, uint64_t number);

#endif
