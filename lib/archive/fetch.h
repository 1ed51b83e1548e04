/* archive/fetch.h - a file comes back from the archive, checked. */
#ifndef ARCHIVE_FETCH_H
#define ARCHIVE_FETCH_H

#include <stdatomic.h>
#include <stdbool.h>
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

/* What processes share that fetch the same file to the same destination: whose is the first whole
 * copy delivers it, and no other does. */
struct fetch_race {
    atomic_bool taken;
    atomic_uint_fast64_t arrived[]; /* a counter for each that moves as content comes */
};

/* One attempt, as the `runner`th in the race. The archive is opened and closed here. Classes as
 * archive_fetch; ERROR_SYSTEM when another has delivered. */
int archive_fetch_in_race(struct archive *archive, const struct wal_name *name,
                          const char *destination, struct fetch_race *race, size_t runner,
                          struct error *error);

/* One attempt from an archive that is open and stays so. *label is what the copy says of itself;
 * its name is "" when it has no label. */
struct label;
int archive_fetch_labelled(struct archive *archive, const struct wal_name *name,
                           const char *destination, struct label *label, struct error *error);

/* Is it a name that no server ever has? PostgreSQL asks for 00000001.history at the end of a
 * recovery. ERROR_MISSING then, in -1. */
int fetch_check_name(const struct wal_name *name, struct error *error);

#endif
