/* survey/way.h - the way of a replay to a timeline: which timeline's segments PostgreSQL reads, up
 * to each fork the ancestor's, from there on the descendant's. */
#ifndef SURVEY_WAY_H
#define SURVEY_WAY_H

#include "survey/inventory.h"

/* Segments of one timeline on the way, by number; none when first is above last. */
struct way_piece {
    uint32_t timeline;
    uint64_t first, last; /* UINT64_MAX: as far as it goes */
};

/* The pieces of the way to `target`, its own last. A timeline without a history has no ancestors,
 * as for PostgreSQL. */
size_t way_length(const struct inventory_timeline *target);
struct way_piece way_piece(const struct inventory *inventory,
                           const struct inventory_timeline *target, size_t index);

/* The piece that holds the segment. */
struct way_piece way_piece_at(const struct inventory *inventory,
                              const struct inventory_timeline *target, uint64_t number);

#endif
