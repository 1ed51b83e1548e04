#include "wal/record.h"
#include "base/error.h"
#include "wal/crc32c.h"
#include "wal/little_endian.h"

#include <inttypes.h>
#include <string.h>

/* XLogRecord, src/include/access/xlogrecord.h. */
enum {
    RECORD_HEADER_SIZE = 24,
    RECORD_ALIGNMENT = 8,
    /* offsets in the header */
    RECORD_LENGTH = 0,
    RECORD_PREVIOUS = 8,
    RECORD_INFO = 16,
    RECORD_MANAGER = 17,
    RECORD_CRC = 20,
    /* XLOG_SWITCH, src/include/catalog/pg_control.h */
    MANAGER_XLOG = 0,
    INFO_MASK = 0xF0,
    INFO_SWITCH = 0x40,
};

/* Before the first record of a segment nothing is known of the one that precedes it. */
#define PREVIOUS_UNKNOWN UINT64_MAX

struct walker {
    const struct wal_segment *segment;
    const unsigned char *data;
    size_t page_size;
    size_t limit;       /* where the pages in sequence end */
    size_t offset;      /* next byte to look at */
    uint64_t previous;  /* LSN of the latest whole record */
    struct error error; /* why the latest record or page does not check out */
};

struct record {
    size_t offset; /* of its first byte in the segment */
    uint32_t length;
    size_t header_size; /* how much of the header is there yet */
    unsigned char header[RECORD_HEADER_SIZE];
    uint32_t crc; /* running, over what follows the header */
};

enum outcome {
    OUTCOME_WHOLE,
    OUTCOME_OVERWRITTEN, /* never finished: after a crash, a page begins afresh in its midst */
    OUTCOME_CUT,         /* the pages in sequence end within it */
    OUTCOME_NONE,        /* they end where it would begin */
    OUTCOME_FOREIGN,     /* nothing ties it to the records before: what the page held before */
    OUTCOME_DAMAGED,
};

static uint64_t address_of(const struct walker *walker, size_t offset)
{
    return walker->segment->start + offset;
}

static enum outcome damaged(struct walker *walker, size_t offset, const char *what)
{
    uint64_t address = address_of(walker, offset);
    error_set(&walker->error, ERROR_CORRUPT, "%s at %" PRIX64 "/%08" PRIX32, what, address >> 32,
              (uint32_t)address);
    return OUTCOME_DAMAGED;
}

/* Steps over the header of the page at walker->offset, where `pending` bytes of a record are still
 * to come. */
static enum outcome enter_page(struct walker *walker, uint32_t pending)
{
    struct wal_page page;
    wal_page_decode(walker->data + walker->offset, walker->page_size, &page);
    bool continues = page.flags & WAL_PAGE_FIRST_IS_CONTRECORD;
    bool overwrites = page.flags & WAL_PAGE_OVERWRITE_CONTRECORD;
    uint32_t expected = overwrites ? 0 : pending;
    if (continues != (expected > 0) || page.remaining_length != expected ||
        (overwrites && pending == 0))
        return damaged(walker, walker->offset,
                       "the page does not continue where the one before it ended");
    walker->offset += WAL_PAGE_HEADER_SIZE;
    return overwrites ? OUTCOME_OVERWRITTEN : OUTCOME_WHOLE;
}

static void add_piece(struct record *record, const unsigned char *data, size_t size)
{
    size_t wanted = RECORD_HEADER_SIZE - record->header_size;
    size_t taken = size < wanted ? size : wanted;
    memcpy(record->header + record->header_size, data, taken);
    record->header_size += taken;
    record->crc = wal_crc32c(record->crc, data + taken, size - taken);
}

/* Reads `pending` bytes of a record, over as many pages as they take. */
static enum outcome read_pieces(struct walker *walker, struct record *record, uint32_t pending)
{
    while (pending > 0) {
        if (walker->offset == walker->limit)
            return OUTCOME_CUT;
        if (walker->offset % walker->page_size == 0) {
            enum outcome outcome = enter_page(walker, pending);
            if (outcome != OUTCOME_WHOLE)
                return outcome;
        }
        size_t room = walker->page_size - walker->offset % walker->page_size;
        size_t size = pending < room ? pending : room;
        add_piece(record, walker->data + walker->offset, size);
        walker->offset += size;
        pending -= (uint32_t)size;
    }
    return OUTCOME_WHOLE;
}

static bool is_zero(const unsigned char *data, size_t size)
{
    return size == 0 || (data[0] == 0 && !memcmp(data, data + 1, size - 1));
}

/* PostgreSQL zeroes a page before it fills it (AdvanceXLInsertBuffer), so what lies between records
 * is zero. */
static enum outcome skip_padding(struct walker *walker, const struct record *record)
{
    size_t padding = -walker->offset % RECORD_ALIGNMENT;
    if (!is_zero(walker->data + walker->offset, padding))
        return damaged(walker, record->offset, "padding that is not zero behind the record");
    walker->offset += padding;
    return OUTCOME_WHOLE;
}

/* The record before the segment's first one began before the segment did. */
static bool previous_fits(const struct walker *walker, const struct record *record)
{
    uint64_t previous = little_endian_64(record->header + RECORD_PREVIOUS);
    return walker->previous == PREVIOUS_UNKNOWN ? previous < walker->segment->start
                                                : previous == walker->previous;
}

static bool crc_fits(const struct record *record, const unsigned char *header)
{
    return little_endian_32(record->header + RECORD_CRC) ==
           (uint32_t)~wal_crc32c(record->crc, header, RECORD_CRC);
}

/* Would the CRC fit if the pointer to the previous record were right? Then only that is damaged. */
static bool crc_fits_the_chain(const struct walker *walker, const struct record *record)
{
    unsigned char header[RECORD_HEADER_SIZE];
    memcpy(header, record->header, sizeof header);
    for (int i = 0; i < 8 && walker->previous != PREVIOUS_UNKNOWN; i++)
        header[RECORD_PREVIOUS + i] = (unsigned char)(walker->previous >> 8 * i);
    return crc_fits(record, header);
}

static enum outcome judge_whole(struct walker *walker, const struct record *record)
{
    bool in_chain = previous_fits(walker, record);
    if (in_chain && crc_fits(record, record->header))
        return skip_padding(walker, record);
    if (in_chain)
        return damaged(walker, record->offset, "wrong CRC in the record");
    damaged(walker, record->offset, "the chain of records is broken by the record");
    return crc_fits_the_chain(walker, record) ? OUTCOME_DAMAGED : OUTCOME_FOREIGN;
}

/* Of a record that was not read to its end the header is all that can be judged. */
static enum outcome judge_header(struct walker *walker, const struct record *record,
                                 enum outcome outcome)
{
    if (record->header_size < RECORD_HEADER_SIZE || previous_fits(walker, record))
        return outcome;
    damaged(walker, record->offset, "the chain of records is broken by the record");
    bool crosses_end =
        outcome == OUTCOME_CUT && walker->limit == walker->segment->first.segment_size;
    return crosses_end ? OUTCOME_DAMAGED : OUTCOME_FOREIGN;
}

/* A length that no record has: is it a damaged record of ours, or no record at all? */
static enum outcome judge_short(struct walker *walker, struct record *record)
{
    read_pieces(walker, record, RECORD_HEADER_SIZE);
    damaged(walker, record->offset, "impossible length of the record");
    return judge_header(walker, record, OUTCOME_DAMAGED);
}

static enum outcome next_record(struct walker *walker, struct record *record)
{
    *record = (struct record){.offset = walker->offset, .crc = WAL_CRC32C_INIT};
    if (walker->offset == walker->limit)
        return OUTCOME_NONE;
    if (walker->offset % walker->page_size == 0) {
        if (enter_page(walker, 0) != OUTCOME_WHOLE)
            return OUTCOME_DAMAGED;
        record->offset = walker->offset;
    }
    /* its first 8 bytes are always on one page */
    record->length = little_endian_32(walker->data + walker->offset + RECORD_LENGTH);
    if (record->length < RECORD_HEADER_SIZE)
        return judge_short(walker, record);
    enum outcome outcome = read_pieces(walker, record, record->length);
    return outcome == OUTCOME_WHOLE ? judge_whole(walker, record)
                                    : judge_header(walker, record, outcome);
}

/* Steps over the end of a record that began in an earlier segment. */
static enum outcome skip_continuation(struct walker *walker, struct record *record)
{
    const struct wal_page *first = &walker->segment->first;
    bool continues = first->flags & WAL_PAGE_FIRST_IS_CONTRECORD;
    *record = (struct record){.length = first->remaining_length, .crc = WAL_CRC32C_INIT};
    if (continues != (first->remaining_length > 0) ||
        (continues && first->flags & WAL_PAGE_OVERWRITE_CONTRECORD))
        return damaged(walker, 0, "impossible continuation of a record");
    walker->offset = WAL_LONG_PAGE_HEADER_SIZE;
    enum outcome outcome = read_pieces(walker, record, record->length);
    return outcome == OUTCOME_WHOLE ? skip_padding(walker, record) : outcome;
}

static bool is_switch(const struct record *record)
{
    return record->header[RECORD_MANAGER] == MANAGER_XLOG &&
           (record->header[RECORD_INFO] & INFO_MASK) == INFO_SWITCH;
}

static bool is_empty_page(const struct walker *walker, size_t offset)
{
    const unsigned char *data = walker->data + offset;
    struct wal_page page;
    wal_page_decode(data, walker->page_size, &page);
    if (offset < walker->limit &&
        (page.flags & WAL_PAGE_FIRST_IS_CONTRECORD || page.remaining_length))
        return false;
    return is_zero(data + WAL_PAGE_HEADER_SIZE, walker->page_size - WAL_PAGE_HEADER_SIZE);
}

static bool is_stale_page(const struct walker *walker, size_t offset)
{
    return offset >= walker->limit && !is_zero(walker->data + offset, WAL_PAGE_HEADER_SIZE);
}

/* Behind a switch record, which ends at walker->offset. */
static int check_switch_tail(struct walker *walker, struct error *error)
{
    size_t size = walker->segment->first.segment_size;
    size_t page = (walker->offset + walker->page_size - 1) / walker->page_size * walker->page_size;
    bool empty = is_zero(walker->data + walker->offset, page - walker->offset);
    for (; empty && page < size; page += walker->page_size)
        empty = is_stale_page(walker, page) || is_empty_page(walker, page);
    if (empty)
        return 0;
    damaged(walker, page, "data behind a switch of segments, before");
    *error = walker->error;
    return -1;
}

/* May records end here, before the segment does? Only on the last page in sequence, and only when
 * nothing there was meant to be a record. */
static bool is_quiet_end(const struct walker *walker, const struct record *record,
                         enum outcome outcome)
{
    size_t last_page = walker->limit - walker->page_size;
    if (walker->segment->name.kind == WAL_PARTIAL)
        return true;
    /* The segment's own first record has nothing before it that could tell it from a stale one. */
    if (record->offset < last_page || record->offset == WAL_LONG_PAGE_HEADER_SIZE)
        return false;
    return outcome == OUTCOME_FOREIGN ||
           is_zero(walker->data + record->offset, walker->limit - record->offset);
}

static int finish(struct walker *walker, const struct record *record, enum outcome outcome,
                  struct wal_walk *walk, struct error *error)
{
    bool to_the_end = walker->limit == walker->segment->first.segment_size;
    if (to_the_end && (outcome == OUTCOME_NONE || outcome == OUTCOME_CUT)) {
        walk->end = WAL_END_FULL;
        return 0;
    }
    walk->end = WAL_END_STALE;
    if (is_quiet_end(walker, record, outcome))
        return 0;
    if (outcome == OUTCOME_CUT)
        damaged(walker, record->offset, "the WAL is cut off within the record");
    *error = walker->error;
    return -1;
}

static int walk_records(struct walker *walker, struct wal_walk *walk, struct error *error)
{
    struct record record;
    enum outcome outcome = skip_continuation(walker, &record);
    if (outcome == OUTCOME_WHOLE && record.length > 0)
        walk->end_address = address_of(walker, walker->offset);
    while (outcome == OUTCOME_WHOLE || outcome == OUTCOME_OVERWRITTEN) {
        outcome = next_record(walker, &record);
        if (outcome != OUTCOME_WHOLE)
            continue;
        walk->records++;
        walk->end_address = address_of(walker, walker->offset);
        walker->previous = address_of(walker, record.offset);
        if (is_switch(&record)) {
            walk->end = WAL_END_SWITCH;
            return check_switch_tail(walker, error);
        }
    }
    return finish(walker, &record, outcome, walk, error);
}

int wal_record_check(const struct wal_name *name, const void *data, size_t size,
                     struct wal_walk *walk, struct error *error)
{
    struct wal_segment segment;
    if (wal_segment_open(&segment, name, data, size, size, error) ||
        wal_segment_next(&segment, data, size, error))
        return -1;
    size_t limit = segment.stale_from < size ? segment.stale_from : size;
    *walk = (struct wal_walk){.end_address = segment.start,
                              .end = limit == size ? WAL_END_FULL : WAL_END_STALE};
    if (wal_magic_record_format(segment.first.magic) != WAL_RECORD_FORMAT_CRC32C)
        return 0;
    struct walker walker = {.segment = &segment,
                            .data = data,
                            .page_size = segment.first.page_size,
                            .limit = limit,
                            .previous = PREVIOUS_UNKNOWN};
    return walk_records(&walker, walk, error);
}
