/* survey/gaps.h - what is missing in an archive, by its inventory. */
#ifndef SURVEY_GAPS_H
#define SURVEY_GAPS_H

#include "survey/inventory.h"

struct error;

enum gap_kind {
    GAP_WITHIN,  /* segments are missing within a timeline */
    GAP_AT_FORK, /* the timeline forked off later than its parent's segments go, or itself begins
                  * later than where it forked off */
    GAP_HISTORY, /* the history file of a timeline that has WAL is missing or damaged */
};

struct gap {
    enum gap_kind kind;
    uint32_t timeline;    /* of what is missing */
    uint64_t first, last; /* numbers of the segments that are missing; 0 for a history */
    uint32_t seen;        /* the timeline whose WAL shows that they were there; */
    int64_t after;        /* when the first WAL behind the gap was archived; 0: not known */
};

struct gaps {
    struct gap *list; /* by timeline, then by position; each missing segment in one gap alone */
    size_t count, room;
};

/* Finds them. What was removed from the front of the archive is no gap: nothing in front of it is
 * left that it would have to join. The caller frees the gaps, also after a failure. */
int gaps_find(const struct inventory *inventory, struct gaps *gaps, struct error *error);
void gaps_free(struct gaps *gaps);

#endif
