/* wal/record.h - is a segment whole, judged by its own structure? No I/O.
 *
 * For content that carries no digest: walks every page header and every record, checks the chain of
 * previous-record pointers and each record's CRC-32C. PostgreSQL 9.5 and later; of 9.3 and 9.4 (an
 * older CRC), and of a release newer than this program, only page headers are looked at.
 *
 * Of a segment alone it finds nearly every flipped bit but those in records that cross the
 * segment's ends, which may be all of it where a record is longer than a segment. What a carry
 * hands on from one segment to the next closes these gaps. It still never replaces a digest: bits
 * that mean nothing (padding in page headers) are not looked at.
 *
 * Source: src/include/access/xlogrecord.h, src/backend/access/transam/xlogreader.c.
 */
#ifndef WAL_RECORD_H
#define WAL_RECORD_H

#include "wal/assembly.h"
#include "wal/segment.h"

struct error;

enum wal_end {
    WAL_END_FULL,   /* records go on to the segment's end */
    WAL_END_SWITCH, /* a switch record: the rest is zero, or pages without records (10 and older) */
    WAL_END_STALE,  /* records end before the segment does: a partial, or an old timeline's end */
};

struct wal_walk {
    uint64_t records;     /* whole records whose CRC was checked; with a carry also one that began
                             in an earlier segment */
    uint64_t end_address; /* LSN behind the last of them, a multiple of 8; where none was checked,
                             the LSN behind the record that reaches in from the segment before, or
                             the segment's first byte */
    enum wal_end end;
    int64_t commit_time; /* the newest that wal_assembly_transaction_time tells of these records,
                            microseconds since 1970 UTC; WAL_TIME_NONE when none tells one */
};

/* What one segment leaves for the next. All zero: nothing is known, as before the first segment.
 * The caller owns it; nothing to free. May be copied: where two timelines go on from the same
 * segment, each takes its own copy. */
struct wal_carry {
    bool known;
    uint64_t next;               /* LSN at which the next segment must begin */
    uint64_t previous;           /* LSN of the latest whole record; or WAL_PREVIOUS_UNKNOWN */
    struct wal_assembly pending; /* what goes on in the next segment, unless nothing is missing */
};

#define WAL_PREVIOUS_UNKNOWN UINT64_MAX

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

/* As wal_record_check, of one segment after another: with the carry that the one before has left,
 * and leaving one for the next.
 *
 * With a carry that is known, the record that reaches in is finished and judged like any other; the
 * first page must say exactly how much of it is missing, or that it was never finished (a crash:
 * WAL_PAGE_OVERWRITE_CONTRECORD); and the first record must point to the latest one before. Where
 * the damage may be in the segment before as well, the message says so.
 *
 * Only addresses count, timelines do not: the first segment of a new timeline, which begins as a
 * copy of the old timeline's, goes on from what the old one had before it. A carry that is for
 * another address is taken as unknown. What is left is unknown after an error, after WAL_END_STALE,
 * and where records are not looked at; to judge the rest of a segment after an error at its
 * beginning, and to have a carry for the next, call again with the unknown one. */
int wal_record_check_next(const struct wal_name *name, const void *data, size_t size,
                          struct wal_carry *carry, struct wal_walk *walk, struct error *error);

#endif
