/* archive/absence.h - "not in the archive" is never a guess. */
#ifndef ARCHIVE_ABSENCE_H
#define ARCHIVE_ABSENCE_H

#include "archive/archive.h"
#include "wal/name.h"

struct error;

/* Called when no object has the name. Always returns -1 and says why the file can't be had:
 * ERROR_MISSING when its absence is proved: this is really the archive (it has its identity, or it
 * is a foreign one that holds segments), it is this server's, and nothing shows that the file must
 * have existed.
 * ERROR_UNREACHABLE for an empty directory, which proves nothing; for a hole, a segment that is
 * missing while its timeline goes on behind it; for the missing history file of a timeline that has
 * WAL in the archive. `destination` is where the file would go: what the server has there itself
 * (in pg_wal) is not missed. ERROR_REFUSED for another cluster's archive.
 * Or the class of what failed while looking. */
int absence_judge(struct archive *archive, const struct wal_name *name, const char *destination,
                  struct error *error);

#endif
