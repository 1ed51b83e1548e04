/* verify/inspect.h - the content of an archive's objects is checked, by several processes at once.
 */
#ifndef VERIFY_INSPECT_H
#define VERIFY_INSPECT_H

#include "verify/verify.h"

struct error;
struct inspection;

/* Starts the workers. `verification` has its inventory; damages and counts are added to it. All are
 * borrowed. NULL on error. */
struct inspection *inspection_open(struct archive *archive, const struct verify_terms *terms,
                                   struct verification *verification, struct error *error);
void inspection_close(struct inspection *inspection);

/* Checks all objects that are meant. -1: the archive could not be asked, or a signal asked to stop.
 */
int inspection_run(struct inspection *inspection, struct error *error);

/* Takes the segments of which no copy is whole out of the inventory. */
int inspection_cut(const struct inspection *inspection, struct inventory *inventory,
                   struct error *error);

/* Did objects vanish between the listing and the check, as when old WAL is removed? */
bool inspection_has_lost(const struct inspection *inspection);

#endif
