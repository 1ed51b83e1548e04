/* verify/ends.h - until when recoveries can go, by the last transaction in the WAL that they
 * reach.
 */
#ifndef VERIFY_ENDS_H
#define VERIFY_ENDS_H

#include "verify/verify.h"

struct error;

/* Fills verification->ends; what does not tell a time stays as it is. ERROR_UNREACHABLE,
 * ERROR_SYSTEM, ERROR_INTERRUPTED. */
int ends_find(struct archive *archive, const struct verify_terms *terms,
              struct verification *verification, struct error *error);

#endif
