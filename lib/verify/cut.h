/* verify/cut.h - a segment that is damaged is as good as one that is missing. */
#ifndef VERIFY_CUT_H
#define VERIFY_CUT_H

#include "survey/inventory.h"

struct error;

/* Takes the segment out of the timeline's ranges, so that no recovery goes through it. One that is
 * not there changes nothing. */
int inventory_cut(struct inventory *inventory, uint32_t timeline, uint64_t number,
                  struct error *error);

#endif
