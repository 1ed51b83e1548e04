/* retain/retention.h - which base backups are kept, and which WAL is older than all of them.
 *
 * Those that count are on the line of the newest timeline, by number: replay gets from them to it,
 * as far as from any other. A backup on a branch that was left is none of them, nor one that a gap
 * cuts off, nor one whose own WAL is not all there. What is decided is a cutoff, the smallest start
 * of a kept backup: all that it needs until now, on every timeline that descends from it, lies
 * behind.
 *
 * A line besides the newest that was archived to since the oldest kept backup may be in use too (a
 * clone that was promoted into the same archive, and the server that it is a clone of): when none
 * of its backups would stay, its newest is kept as well, and days count for it as for the newest.
 */
#ifndef RETAIN_RETENTION_H
#define RETAIN_RETENTION_H

#include "survey/inventory.h"

struct error;

/* What is to be kept, 0 where it was not asked for; a backup is kept when any of it keeps it. */
struct retention_rule {
    uint64_t backups; /* so many, the newest */
    uint64_t days;    /* what a recovery to any moment of so many days needs, counted back from now
                       * or, if it is earlier, the time of the newest object: a clock that is ahead,
                       * or a server that has stood still, costs nothing */
    uint64_t size;    /* bytes as stored, of all that is kept; the newest backup is kept anyway */
    int64_t now;      /* seconds since 1970 UTC */
    /* For size: bytes of all objects that stay when the cutoff is at the start of the inventory's
     * backup of this index, and of all there are. */
    const uint64_t *stored_from;
    uint64_t stored;
};

/* Why a backup is kept: what of the rule keeps it, or */
enum retention_reason {
    RETENTION_BACKUPS = 1 << 0,
    RETENTION_DAYS = 1 << 1,
    RETENTION_SIZE = 1 << 2,
    RETENTION_ALONE = 1 << 3,      /* the newest, though it is larger than size */
    RETENTION_OTHER_LINE = 1 << 4, /* another line may be in use */
};

/* Whether it counts. */
enum retention_standing {
    RETENTION_COUNTS,
    RETENTION_INCONSISTENT, /* its own WAL is not all there */
    RETENTION_CUT_OFF,      /* it leads to the newest timeline, but a gap lies before its end */
    RETENTION_BRANCH,       /* it does not lead to the newest timeline */
};

struct retention_backup {
    enum retention_standing standing;
    unsigned reasons; /* enum retention_reason; 0: not kept for its own sake */
};

enum { RETENTION_NOTES = 3, RETENTION_NOTE_SIZE = 160 };

struct retention {
    struct retention_backup *backups; /* as the inventory's */
    uint32_t newest;                  /* the timeline */
    uint64_t cutoff;                  /* number of the oldest segment that is kept; 0: all stays */
    bool goes_on;                     /* a gap ends what can be recovered: there is WAL behind it */
    uint64_t end; /* number of the last segment that is reached from those that count */
    char notes[RETENTION_NOTES][RETENTION_NOTE_SIZE]; /* why all stays */
    size_t note_count;
};

/* Decides. ERROR_REFUSED, with what to do, when it can't be told: there is no backup; a backup's
 * file or a timeline's history is missing or can't be read; no backup leads to the newest timeline.
 * The caller frees it, also after a failure. */
int retention_decide(const struct inventory *inventory, const struct retention_rule *rule,
                     struct retention *retention, struct error *error);
void retention_free(struct retention *retention);

#endif
