/* verify/consistency.h - names and small files of an archive that can't all be right. Each is well
 * by itself; together they show that something is another cluster's. */
#ifndef VERIFY_CONSISTENCY_H
#define VERIFY_CONSISTENCY_H

#include "verify/verify.h"

struct error;

/* Adds to the verification's damages: a segment whose name is of segments of another size; a
 * timeline's history that the timeline's own WAL disproves, as it begins before the fork; one that
 * disagrees with the history of an ancestor. */
int consistency_check(struct verification *verification, struct error *error);

#endif
