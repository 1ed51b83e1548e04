/* wal/segment.h - does a file's content fit the name of the segment? No I/O.
 *
 * Used in two steps, while the content flows by: wal_segment_open looks at the first page,
 * wal_segment_next at the header of every page, in any portions. This judges headers only;
 * wal/record.h judges the records.
 */
#ifndef WAL_SEGMENT_H
#define WAL_SEGMENT_H

#include "wal/name.h"
#include "wal/page.h"

struct error;

/* What the first page told, and how far the walk is. The caller owns it; nothing to free. */
struct wal_segment {
    struct wal_name name;
    struct wal_page first; /* the long header */
    const char *version;   /* "15"; NULL for a magic newer than the newest known */
    uint64_t start;        /* LSN of the segment's first byte */
    uint64_t offset;       /* bytes seen so far */
    uint64_t stale_from;   /* offset of the first page that is not in sequence; UINT64_MAX: none */
    /* for wal_segment_next alone */
    uint32_t timeline;    /* of the latest page in sequence */
    uint32_t stale_pages; /* how many are neither in sequence nor zero */
    uint64_t suspect;     /* offset of a stale page that is one bit away from the sequence */
    unsigned char header[WAL_PAGE_HEADER_SIZE]; /* of a page that straddles two portions */
};

/* Judges the first page of the file `name` (a segment or partial segment) whose length is
 * `file_size` bytes; `size` bytes of it are at `page`, at least WAL_LONG_PAGE_HEADER_SIZE unless
 * the file is shorter than that. ERROR_CORRUPT: it is empty, too short, not a WAL page, its segment
 * or page size is impossible, or the file's length is not the segment size. ERROR_REFUSED:
 * well-formed, but it is another segment (page address), or its timeline is higher than the name's,
 * or PostgreSQL 9.2 or older wrote it. A page's timeline may be lower than the name's: the first
 * segment of a new timeline begins as a copy of the old one. */
int wal_segment_open(struct wal_segment *segment, const struct wal_name *name, const void *page,
                     size_t size, uint64_t file_size, struct error *error);

/* Judges the page headers in the next `size` bytes of the file, beginning with its first byte
 * (whose page wal_segment_open has judged already). Portions may have any length. The caller sees
 * from segment->offset whether the file was as long as it should be.
 *
 * In sequence is a page with the address that its place gives it, and a timeline that is not lower
 * than the one before and not higher than the name's.
 *
 * A tail that is not in sequence is normal after a switch of segments, in a partial, and at the end
 * of an old timeline: all zero, or stale. Stale is what the file held before it was used as this
 * segment, any well-formed header of the same release that belongs at its place in another segment,
 * or further to the front in any:
 * - At a checkpoint a segment is recycled from a lower one. At a promotion it may also come from a
 *   higher one that the old timeline had written beyond the switch point, or from the same one, and
 *   then only the timeline tells it from the sequence.
 * - The first segment of a new timeline is copied by XLogFileCopy (xlog.c), which means to zero
 * what lies behind the switch point, but (10 to 18, tried) repeats the page with the switch point
 * to the end; a long header too, if that was the first page.
 *
 * In a WAL_SEGMENT damage is a header that is neither in sequence, nor zero, nor stale; a page in
 * sequence behind one that is not; a single stale page that is one bit away from the sequence. In a
 * WAL_PARTIAL the sequence may end in anything: after a loss of power pages may have reached the
 * disk in any order, a server may have left a discarded timeline's there, and it is promoted and
 * archived all the same. ERROR_CORRUPT with the offset of the page, in bytes; also when there is
 * more than a segment. After an error the walk can't go on. */
int wal_segment_next(struct wal_segment *segment, const void *data, size_t size,
                     struct error *error);

#endif
