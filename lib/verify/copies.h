/* verify/copies.h - a segment may be there in several codings: it is lost when none is whole. */
#ifndef VERIFY_COPIES_H
#define VERIFY_COPIES_H

#include <stdbool.h>
#include <stddef.h>

#include "survey/inventory.h"

struct error;

struct lost_segment {
    uint32_t timeline;
    uint64_t number;
};

/* Zero-initialise but for the geometry (borrowed). */
struct copies {
    const struct wal_geometry *geometry;
    struct lost_segment *lost;
    size_t count, room;
    /* the segment that is being looked at, in all its copies */
    struct wal_name name;
    bool any_whole, any_damaged;
};

enum copy_verdict {
    COPY_WHOLE, /* or nothing is said of it: it may be whole */
    COPY_DAMAGED,
    COPY_GONE,
};

/* One after the other, in the archive's order; what is no segment does not count. copies_finish is
 * behind the last. */
int copies_note(struct copies *copies, const struct wal_name *name, enum copy_verdict verdict,
                struct error *error);
int copies_finish(struct copies *copies, struct error *error);

/* Takes the lost ones out of the inventory. */
int copies_cut(const struct copies *copies, struct inventory *inventory, struct error *error);

void copies_free(struct copies *copies);

#endif
