/* wal/record.h - is a segment whole, judged by its own structure? No I/O.
 *
 * For content that carries no digest: walks every page header and every record, checks the chain of
 * previous-record pointers and each record's CRC-32C. PostgreSQL 9.5 and later; of 9.3 and 9.4 (an
 * older CRC), and of a release newer than this program, only page headers are looked at. It finds
 * nearly every flipped bit but those in records that cross the segment's ends, which may be all of
 * it where a record is longer than a segment; so it never replaces a digest.
 *
 * Source: src/include/access/xlogrecord.h, src/backend/access/transam/xlogreader.c.
 */
#ifndef WAL_RECORD_H
#define WAL_RECORD_H

#include "wal/segment.h"

struct error;

enum wal_end {
    WAL_END_FULL,   /* records go on to the segment's end */
    WAL_END_SWITCH, /* a switch record: the rest is zero, or pages without records (10 and older) */
    WAL_END_STALE,  /* records end before the segment does: a partial, or an old timeline's end */
};

struct wal_walk {
    uint64_t records;     /* whole records whose CRC was checked */
    uint64_t end_address; /* LSN behind the last of them, a multiple of 8; where none was checked,
                             the LSN behind the record that reaches in from the segment before, or
                             the segment's first byte */
    enum wal_end end;
};

/* Checks the whole segment at `data` (`size` bytes, the segment size) against its name. Takes time
 * in proportion to size and no memory.
 * ERROR_CORRUPT or ERROR_REFUSED as wal_segment_open and wal_segment_next, and ERROR_CORRUPT with
 * the record's LSN for a wrong length, a broken chain or a wrong CRC.
 *
 * In a WAL_PARTIAL the first record that does not check out is its end (WAL_END_STALE), as it is
 * for PostgreSQL. In a WAL_SEGMENT records must go on to the end or to a switch; but on the last
 * page in sequence they may end before that (WAL_END_STALE), when what follows is zero to the end
 * of the page, or is no record of this chain: neither its pointer to the previous record nor its
 * CRC fits. Behind a switch record pages must be zero, in sequence but empty, or stale. */
int wal_record_check(const struct wal_name *name, const void *data, size_t size,
                     struct wal_walk *walk, struct error *error);

#endif
