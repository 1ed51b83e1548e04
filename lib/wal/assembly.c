#include "wal/assembly.h"
#include "wal/crc32c.h"
#include "wal/little_endian.h"

#include <string.h>

/* Offsets in XLogRecord. */
enum {
    RECORD_LENGTH = 0,
    RECORD_PREVIOUS = 8,
    RECORD_INFO = 16,
    RECORD_MANAGER = 17,
    RECORD_CRC = 20,
};

/* Resource managers, and the bits of info that tell their records apart. */
enum {
    MANAGER_XLOG = 0,
    XLOG_INFO_MASK = 0xF0,
    XLOG_SWITCH = 0x40,

    MANAGER_TRANSACTION = 1,
    TRANSACTION_MASK = 0x70,
    TRANSACTION_COMMIT = 0x00,
    TRANSACTION_ABORT = 0x20,
    TRANSACTION_COMMIT_PREPARED = 0x30,
    TRANSACTION_ABORT_PREPARED = 0x40,
};

void wal_assembly_begin(struct wal_assembly *record, uint64_t address, const void *data)
{
    uint32_t length = little_endian_32((const unsigned char *)data + RECORD_LENGTH);
    *record = (struct wal_assembly){
        .address = address, .length = length, .missing = length, .crc = WAL_CRC32C_INIT};
}

void wal_assembly_begin_headless(struct wal_assembly *record, uint64_t address, uint32_t missing)
{
    *record = (struct wal_assembly){
        .address = address, .length = missing, .missing = missing, .headless = true};
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One that is not the first, or is smaller than the front. */
static void add_piece(struct wal_assembly *record, const unsigned char *bytes, size_t size)
{
    size_t of_front = smaller(size, sizeof record->front - record->seen);
    size_t of_header = wal_assembly_has_header(record) ? 0 : WAL_RECORD_HEADER_SIZE - record->seen;
    memcpy(record->front + record->seen, bytes, of_front);
    record->seen += (uint32_t)of_front;
    of_header = smaller(size, of_header);
    record->crc = wal_crc32c(record->crc, bytes + of_header, size - of_header);
}

void wal_assembly_add(struct wal_assembly *record, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    record->missing -= (uint32_t)size;
    if (record->headless)
        return;
    if (record->seen > 0 || size < sizeof record->front) {
        add_piece(record, data, size);
        return;
    }
    memcpy(record->front, bytes, sizeof record->front);
    record->seen = sizeof record->front;
    record->crc =
        wal_crc32c(record->crc, bytes + WAL_RECORD_HEADER_SIZE, size - WAL_RECORD_HEADER_SIZE);
}

bool wal_assembly_has_header(const struct wal_assembly *record)
{
    return record->seen >= WAL_RECORD_HEADER_SIZE;
}

uint64_t wal_assembly_previous(const struct wal_assembly *record)
{
    return little_endian_64(record->front + RECORD_PREVIOUS);
}

bool wal_assembly_is_switch(const struct wal_assembly *record)
{
    return record->front[RECORD_MANAGER] == MANAGER_XLOG &&
           (record->front[RECORD_INFO] & XLOG_INFO_MASK) == XLOG_SWITCH;
}

static bool crc_fits(const struct wal_assembly *record, const unsigned char *header)
{
    return little_endian_32(record->front + RECORD_CRC) ==
           (uint32_t)~wal_crc32c(record->crc, header, RECORD_CRC);
}

bool wal_assembly_crc_fits(const struct wal_assembly *record)
{
    return crc_fits(record, record->front);
}

bool wal_assembly_crc_fits_with(const struct wal_assembly *record, uint64_t previous)
{
    unsigned char header[WAL_RECORD_HEADER_SIZE];
    memcpy(header, record->front, sizeof header);
    for (int i = 0; i < 8; i++)
        header[RECORD_PREVIOUS + i] = (unsigned char)(previous >> 8 * i);
    return crc_fits(record, header);
}

static bool ends_a_transaction(const struct wal_assembly *record)
{
    static const unsigned char ends[] = {TRANSACTION_COMMIT, TRANSACTION_ABORT,
                                         TRANSACTION_COMMIT_PREPARED, TRANSACTION_ABORT_PREPARED};
    return record->front[RECORD_MANAGER] == MANAGER_TRANSACTION &&
           memchr(ends, record->front[RECORD_INFO] & TRANSACTION_MASK, sizeof ends) != NULL;
}

/* What may come between a record's header and its data, in this order (XLogRecordAssemble); a
 * record that ends a transaction has no blocks. All of it and a time are well within the front. */
static const struct part {
    unsigned char id;
    unsigned char size;
    bool is_last;
} parts[] = {
    {253, 3, false}, /* XLR_BLOCK_ID_ORIGIN */
    {252, 5, false}, /* XLR_BLOCK_ID_TOPLEVEL_XID, from 14 on */
    {255, 2, true},  /* XLR_BLOCK_ID_DATA_SHORT, with the length of the data */
    {254, 5, true},  /* XLR_BLOCK_ID_DATA_LONG */
};

/* Where the record's data begins, NULL when the record ends before `wanted` bytes of it. */
static const unsigned char *find_data(const struct wal_assembly *record, size_t wanted)
{
    const unsigned char *at = record->front + WAL_RECORD_HEADER_SIZE;
    const unsigned char *end = record->front + record->seen;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (*at != parts[i].id)
            continue;
        at += parts[i].size;
        if (parts[i].is_last)
            return at + wanted <= end ? at : NULL;
    }
    return NULL;
}

int64_t wal_assembly_transaction_time(const struct wal_assembly *record)
{
    /* TimestampTz counts microseconds from 2000-01-01 UTC */
    static const int64_t from_1970_to_2000 = INT64_C(946684800) * 1000000;
    int64_t time;
    const unsigned char *data = ends_a_transaction(record) ? find_data(record, sizeof time) : NULL;
    if (!data || __builtin_add_overflow((int64_t)little_endian_64(data), from_1970_to_2000, &time))
        return WAL_TIME_NONE;
    return time;
}
