/* wal/name.h - the names that PostgreSQL gives to the files it archives. No I/O.
 *
 * Source: src/include/access/xlog_internal.h (XLogFileName, IsXLogFileName, IsPartialXLogFileName,
 * IsTLHistoryFileName, IsBackupHistoryFileName).
 */
#ifndef WAL_NAME_H
#define WAL_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wal_kind {
    WAL_SEGMENT, /* 000000010000000000000003 */
    WAL_PARTIAL, /* 000000010000000000000003.partial */
    WAL_HISTORY, /* 00000002.history */
    WAL_BACKUP,  /* 000000010000000000000003.00000028.backup */
};

enum {
    WAL_SEGMENT_NAME_LENGTH = 24,
    WAL_NAME_MAX = 40, /* the longest name, a backup history file's */
};

struct wal_name {
    enum wal_kind kind;
    uint32_t timeline;
    uint32_t log;     /* second group of eight digits; 0 for a history file */
    uint32_t segment; /* third group of eight digits; 0 for a history file */
    uint32_t offset;  /* backup history files: bytes into the segment where the backup starts */
    char text[WAL_NAME_MAX + 1];
};

/* Reads a name of exactly `length` bytes. Only upper-case hex digits, as PostgreSQL writes them;
 * the whole text must be the name. False when it is none; *name is then unspecified. */
bool wal_name_parse(const char *text, size_t length, struct wal_name *name);

/* "WAL segment", "partial WAL segment", "timeline history file", "backup history file". */
const char *wal_kind_text(enum wal_kind kind);

/* The byte address (LSN) at which the named segment begins, for a segment size in bytes that is a
 * power of two. The name's third group must be below 2^32 / segment_size: false if not. */
bool wal_name_address(const struct wal_name *name, uint64_t segment_size, uint64_t *address);

#endif
