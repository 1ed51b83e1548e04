/* wal/assembly.h - a record, put together from the pieces that pages hold of it. No I/O, and no
 * memory but the struct: of all that follows a record's first bytes only the CRC is kept.
 *
 * PostgreSQL 9.5 and later. Source: src/include/access/xlogrecord.h (XLogRecord, the headers that
 * follow it), src/include/access/xact.h (XLOG_XACT_*, xl_xact_commit, xl_xact_abort),
 * src/include/catalog/pg_control.h (XLOG_SWITCH), src/include/datatype/timestamp.h.
 */
#ifndef WAL_ASSEMBLY_H
#define WAL_ASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WAL_RECORD_HEADER_SIZE = 24,
    /* a transaction's time ends 45 bytes into the record at the most */
    WAL_RECORD_FRONT_SIZE = 48,
};

/* No transaction has this time: microseconds since 1970 that no record holds. */
#define WAL_TIME_NONE INT64_MIN

/* May be copied. */
struct wal_assembly {
    uint64_t address; /* LSN of the record's first byte */
    uint32_t length;  /* of the whole record, as its header says; bytes */
    uint32_t missing; /* bytes still to come, 0 when the record is whole */
    bool headless;    /* where it begins was not seen: nothing is known but how much is missing */
    uint32_t crc;     /* running, over what follows the header */
    uint32_t seen;    /* bytes in front */
    unsigned char front[WAL_RECORD_FRONT_SIZE]; /* the header and what comes next */
};

/* Begins the record at `address`, whose first bytes, of which there are at least 4, are at `data`.
 * Its length is not judged. */
void wal_assembly_begin(struct wal_assembly *record, uint64_t address, const void *data);

/* Begins with the last `missing` bytes of a record, which go on at `address`. */
void wal_assembly_begin_headless(struct wal_assembly *record, uint64_t address, uint32_t missing);

/* Adds the next `size` bytes, of the missing ones. */
void wal_assembly_add(struct wal_assembly *record, const void *data, size_t size);

bool wal_assembly_has_header(const struct wal_assembly *record);

/* ---- of the header, once it is there ---- */

/* The LSN of the record before this one. */
uint64_t wal_assembly_previous(const struct wal_assembly *record);

/* A switch of segments: what follows in its segment is no record. */
bool wal_assembly_is_switch(const struct wal_assembly *record);

/* ---- of a whole record ---- */

bool wal_assembly_crc_fits(const struct wal_assembly *record);

/* Would the CRC fit if the pointer to the record before were this one? */
bool wal_assembly_crc_fits_with(const struct wal_assembly *record, uint64_t previous);

/* When a transaction ended: the time in a record of COMMIT, ABORT, COMMIT PREPARED or ROLLBACK
 * PREPARED, the four at which a recovery to a time can stop (recoveryStopsBefore in xlogrecovery.c;
 * a restore point, which has a time too, is not among them). Microseconds since 1970 UTC, or
 * WAL_TIME_NONE. To be believed only if the CRC fits. */
int64_t wal_assembly_transaction_time(const struct wal_assembly *record);

#endif
