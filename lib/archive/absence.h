/* archive/absence.h - "not in the archive" is never a guess. */
#ifndef ARCHIVE_ABSENCE_H
#define ARCHIVE_ABSENCE_H

#include "archive/archive.h"
#include "wal/name.h"

struct error;

/* Called when no object has the name. Always returns -1 and says why the file can't be had:
 * ERROR_MISSING when its absence is proved: this is really the archive (it has its identity, or it
 * is a foreign one that holds segments), and the file is not one in the middle.
 * ERROR_UNREACHABLE for an empty directory, which proves nothing, and for a hole: a segment that is
 * missing while a later one of its timeline is there. `destination` is where the file would go: a
 * hole that the server can fill from there (pg_wal) is none.
 * Or the class of what failed while looking. */
int absence_judge(struct archive *archive, const struct wal_name *name, const char *destination,
                  struct error *error);

#endif
