/* wal/page.h - page headers of the write-ahead log, PostgreSQL 9.3 to 18; of older ones as much as
 * tells whose they are. No I/O.
 *
 * Source: src/include/access/xlog_internal.h (XLogPageHeaderData, XLogLongPageHeaderData,
 * XLOG_PAGE_MAGIC of each release). Fields are in the byte order of the machine that wrote them;
 * little-endian is what is read here.
 */
#ifndef WAL_PAGE_H
#define WAL_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WAL_PAGE_HEADER_SIZE = 24,
    WAL_LONG_PAGE_HEADER_SIZE = 40,
    WAL_PAGE_SIZE_MIN = 1024, /* --with-wal-blocksize=1 */
    WAL_PAGE_SIZE_MAX = 65536,
    WAL_SEGMENT_SIZE_MIN = 1024 * 1024,
    WAL_SEGMENT_SIZE_MAX = 1024 * 1024 * 1024,
};

enum wal_page_flag {
    WAL_PAGE_FIRST_IS_CONTRECORD = 0x0001,
    WAL_PAGE_LONG_HEADER = 0x0002,
    WAL_PAGE_BACKUP_REMOVABLE = 0x0004,
    WAL_PAGE_OVERWRITE_CONTRECORD = 0x0008,
    WAL_PAGE_ALL_FLAGS = 0x000F,
};

struct wal_page {
    uint16_t magic;
    uint16_t flags;
    uint32_t timeline;
    uint64_t address;          /* LSN of the page's first byte */
    uint32_t remaining_length; /* bytes of a record begun on an earlier page */
    /* of the long header, else 0 */
    uint64_t system_identifier;
    uint32_t segment_size; /* bytes */
    uint32_t page_size;    /* bytes */
};

/* Decodes the header at the start of a page; `size` is what there is of the page, in bytes. Nothing
 * is judged but the space: false when size is too small for the header that the flags announce; of
 * a long header with room for a short one the short one's fields are there.
 *
 * A magic of PostgreSQL 9.2 or older means its layout, in which remaining_length is not in the
 * header (0 here), and page_size not before 8.3 (0 then). */
bool wal_page_decode(const void *page, size_t size, struct wal_page *out);

/* What PostgreSQL release writes this magic: "9.3" to "18"; NULL for a magic that is not known. */
const char *wal_magic_version(uint16_t magic);

enum wal_magic_age {
    WAL_MAGIC_UNKNOWN, /* not a WAL magic at all: outside D000..DFFF */
    WAL_MAGIC_TOO_OLD, /* 9.2 or older: another page format */
    WAL_MAGIC_KNOWN,
    WAL_MAGIC_NEWER, /* above the newest known: a PostgreSQL that came after this program */
};

/* An unlisted value between known ones is WAL_MAGIC_UNKNOWN. */
enum wal_magic_age wal_magic_age(uint16_t magic);

/* Does this magic's release leave out the last segment of each log, so that with 16 MB the one
 * behind 0000000100000002000000FE is 000000010000000300000000? So did PostgreSQL 9.2 and older. */
bool wal_magic_skips_ff(uint16_t magic);

enum wal_record_format {
    WAL_RECORD_FORMAT_OTHER,  /* 9.4 and older (another CRC), or not known to this program */
    WAL_RECORD_FORMAT_CRC32C, /* what record.h reads: 9.5 to the newest known */
};

enum wal_record_format wal_magic_record_format(uint16_t magic);

#endif
