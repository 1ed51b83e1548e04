/* several/fetch_several.h - a file comes back from the first of several archives that has it whole.
 */
#ifndef SEVERAL_FETCH_SEVERAL_H
#define SEVERAL_FETCH_SEVERAL_H

#include <stdint.h>

#include "archive/archive.h"
#include "wal/name.h"

struct error;

/* As archive_fetch, from `count` archives, none of them open. They are asked in their order, each
 * in a process of its own. The next one is asked when one has failed, or has sent nothing for two
 * seconds (or half its timeout): then both go on, and the first whole copy is delivered. One that
 * was silent is asked last for a minute (silence.h). A warning tells when the file comes from
 * another than the first, unless that just does not have it.
 *
 * An attempt is a round in which all have been asked. ERROR_MISSING only when each of them has
 * proved the absence. When they fail in different ways, the class is that which time may mend, and
 * the message tells all. */
int fetch_several(const struct archive *archives, size_t count, const struct wal_name *name,
                  const char *destination, uint64_t patience, struct error *error);

#endif
