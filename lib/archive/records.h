/* archive/records.h - is a segment whole, by its own structure and by what the archive shows of its
 * timeline? For what carries no digest, and to look at what does more closely. */
#ifndef ARCHIVE_RECORDS_H
#define ARCHIVE_RECORDS_H

#include "archive/archive.h"
#include "wal/record.h"

struct error;

/* Checks the whole segment or partial at `data` (wal/record.h). Records that end before the segment
 * does are ERROR_CORRUPT where the timeline goes on; and where another timeline forked off within
 * the segment they may be cut off in the middle, if they reach the fork. Classes as
 * wal_record_check_next, and those of timeline.h when the archive can't be asked. */
int records_check(struct archive *archive, const struct wal_name *name, const void *data,
                  size_t size, struct wal_carry *carry, struct wal_walk *walk, struct error *error);

/* The same of a file's first `size` bytes, with nothing known of the segment before. */
int records_check_file(struct archive *archive, const struct wal_name *name, int fd, uint64_t size,
                       struct error *error);

#endif
