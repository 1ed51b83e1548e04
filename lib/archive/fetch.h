/* archive/fetch.h - a file comes back from the archive, checked. */
#ifndef ARCHIVE_FETCH_H
#define ARCHIVE_FETCH_H

#include <stdint.h>

#include "archive/archive.h"
#include "wal/name.h"

struct error;

/* Brings the file `name` to `destination` ("-": standard output), which appears only complete and
 * checked: length, SHA-256 and stored bytes against the label, page headers against the name, the
 * system identifier against the server's; without a label every record's CRC. Opens the archive
 * itself and tries again for `patience` milliseconds (run/retry.h says after what). -1:
 * ERROR_MISSING only when the absence is proved; ERROR_UNREACHABLE, also for a hole (see
 * archive/absence.h); ERROR_CORRUPT when no copy checks out; ERROR_REFUSED for another cluster's
 * WAL or an object that is a symbolic link; ERROR_SYSTEM. Then the destination is as it was. */
int archive_fetch(struct archive *archive, const struct wal_name *name, const char *destination,
                  uint64_t patience, struct error *error);

#endif
