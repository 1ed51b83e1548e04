/* wal/geometry.h - segments as numbers, so that "the next one" is one more. No I/O.
 *
 * Source: src/include/access/xlog_internal.h (XLogSegmentsPerXLogId, XLByteToSeg, XLogFileName);
 * up to 9.2 NextLogSeg, which never uses the last segment of a log (FF, of 16 MB).
 */
#ifndef WAL_GEOMETRY_H
#define WAL_GEOMETRY_H

#include "wal/name.h"

struct wal_geometry {
    uint32_t segment_size; /* bytes, a power of two */
    bool skips_last;       /* PostgreSQL 9.2 and older */
};

/* The number of the segment that the name begins with, the same in every timeline. False when no
 * segment of this size has that name. */
bool wal_geometry_number(const struct wal_geometry *geometry, const struct wal_name *name,
                         uint64_t *number);

/* The number of the segment in which this LSN is, and the LSN of a segment's first byte. */
uint64_t wal_geometry_number_at(const struct wal_geometry *geometry, uint64_t address);
uint64_t wal_geometry_address(const struct wal_geometry *geometry, uint64_t number);

/* Reads an LSN as PostgreSQL writes and takes it: "16/B374D848" (pg_lsn_in in pg_lsn.c). */
bool wal_lsn_parse(const char *text, uint64_t *address);

/* The name of a timeline's segment. */
struct wal_name wal_geometry_name(const struct wal_geometry *geometry, uint32_t timeline,
                                  uint64_t number);

#endif
