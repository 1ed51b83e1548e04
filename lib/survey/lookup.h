/* survey/lookup.h - where an archive has a position of the WAL. */
#ifndef SURVEY_LOOKUP_H
#define SURVEY_LOOKUP_H

#include "survey/inventory.h"
#include "archive/scan.h"

enum lookup_answer {
    LOOKUP_THERE,
    LOOKUP_PARTIAL,        /* only a partial segment is there */
    LOOKUP_MISSING,        /* earlier and later segments of the timeline are there, */
    LOOKUP_BEFORE,         /* only later ones: it was removed or never archived, */
    LOOKUP_BEHIND,         /* only earlier ones or none: not archived yet or never written */
    LOOKUP_OTHER_TIMELINE, /* it lies before the timeline's beginning, on one that it forked from */
};

/* Where one timeline has it. */
struct lookup_place {
    uint32_t timeline;
    struct wal_name segment; /* that holds it there */
    enum lookup_answer answer;
    uint32_t read_on; /* the timeline whose file a replay towards this one reads at this position */
    struct scan_object *objects; /* segments and partials, in every coding, with details */
    size_t object_count, object_room;
};

struct lookup {
    uint64_t address;            /* LSN */
    uint64_t number;             /* of its segment, see wal/geometry.h */
    uint64_t offset;             /* bytes into the segment */
    struct lookup_place *places; /* by timeline */
    size_t place_count;
};

/* Looks it up on all timelines that the inventory knows, or on one alone when `timeline` is not 0.
 * The archive is asked once a timeline. The caller frees it, also after a failure. */
int lookup_find(struct archive *archive, const struct inventory *inventory, uint64_t address,
                uint32_t timeline, struct lookup *lookup, struct error *error);
void lookup_free(struct lookup *lookup);

#endif
