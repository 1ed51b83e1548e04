#include "wal/record.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

enum { RECORD_ALIGNMENT = 8 };

struct walker {
    const struct wal_segment *segment;
    const unsigned char *data;
    size_t page_size;
    size_t limit;       /* where the pages in sequence end */
    size_t offset;      /* next byte to look at */
    uint64_t previous;  /* LSN of the latest whole record */
    bool carried;       /* what came before the segment is known */
    struct error error; /* why the latest record or page does not check out */
};

enum outcome {
    OUTCOME_WHOLE,
    OUTCOME_OVERWRITTEN, /* never finished: after a crash, a page begins afresh in its midst */
    OUTCOME_CUT,         /* the pages in sequence end within it */
    OUTCOME_NONE,        /* they end where it would begin */
    OUTCOME_FOREIGN,     /* nothing ties it to the records before: what the page held before */
    OUTCOME_DAMAGED,
};

static uint64_t current_address(const struct walker *walker)
{
    return walker->segment->start + walker->offset;
}

static void describe(struct walker *walker, uint64_t address, const char *what, const char *blame)
{
    error_set(&walker->error, ERROR_CORRUPT, "%s at %" PRIX64 "/%08" PRIX32 "%s", what,
              address >> 32, (uint32_t)address, blame);
}

static const char *blame(const struct walker *walker, uint64_t address)
{
    const struct wal_segment *segment = walker->segment;
    if (address >= segment->start)
        return "";
    return segment->start - address <= segment->first.segment_size
               ? ", which begins in the segment before: the damage may be in either"
               : ", which begins in an earlier segment: the damage may be in any";
}

static enum outcome damaged(struct walker *walker, uint64_t address, const char *what)
{
    describe(walker, address, what, blame(walker, address));
    return OUTCOME_DAMAGED;
}

/* Where this segment and the one before do not fit together, though each may look well. */
static enum outcome does_not_follow(struct walker *walker, uint64_t address, const char *what)
{
    describe(walker, address, what, ": the damage may be in the segment before");
    return OUTCOME_DAMAGED;
}

/* Steps over the header of the page at walker->offset, where `pending` bytes of a record are still
 * to come. */
static enum outcome enter_page(struct walker *walker, uint32_t pending)
{
    static const char what[] = "the page does not continue where the one before it ended";
    struct wal_page page;
    wal_page_decode(walker->data + walker->offset, walker->page_size, &page);
    bool continues = page.flags & WAL_PAGE_FIRST_IS_CONTRECORD;
    bool overwrites = page.flags & WAL_PAGE_OVERWRITE_CONTRECORD;
    bool is_first = walker->offset == 0;
    uint32_t expected = overwrites ? 0 : pending;
    if (continues != (expected > 0) || page.remaining_length != expected ||
        (overwrites && pending == 0))
        return is_first ? does_not_follow(walker, current_address(walker), what)
                        : damaged(walker, current_address(walker), what);
    walker->offset += is_first ? WAL_LONG_PAGE_HEADER_SIZE : WAL_PAGE_HEADER_SIZE;
    return overwrites ? OUTCOME_OVERWRITTEN : OUTCOME_WHOLE;
}

/* Reads what is missing of a record, over as many pages as it takes. */
static enum outcome read_pieces(struct walker *walker, struct wal_assembly *record)
{
    while (record->missing > 0) {
        if (walker->offset == walker->limit)
            return OUTCOME_CUT;
        if (walker->offset % walker->page_size == 0) {
            enum outcome outcome = enter_page(walker, record->missing);
            if (outcome != OUTCOME_WHOLE)
                return outcome;
        }
        size_t room = walker->page_size - walker->offset % walker->page_size;
        size_t size = record->missing < room ? record->missing : room;
        wal_assembly_add(record, walker->data + walker->offset, size);
        walker->offset += size;
    }
    return OUTCOME_WHOLE;
}

static bool is_zero(const unsigned char *data, size_t size)
{
    return size == 0 || (data[0] == 0 && !memcmp(data, data + 1, size - 1));
}

/* PostgreSQL zeroes a page before it fills it (AdvanceXLInsertBuffer), so what lies between records
 * is zero. */
static enum outcome skip_padding(struct walker *walker, const struct wal_assembly *record)
{
    size_t padding = -walker->offset % RECORD_ALIGNMENT;
    if (!is_zero(walker->data + walker->offset, padding))
        return damaged(walker, record->address, "padding that is not zero behind the record");
    walker->offset += padding;
    return OUTCOME_WHOLE;
}

/* Where the latest whole record is not known, this one is the first that begins in its segment: the
 * one before it began in an earlier segment. */
static bool previous_fits(const struct walker *walker, const struct wal_assembly *record)
{
    uint64_t previous = wal_assembly_previous(record);
    if (walker->previous != WAL_PREVIOUS_UNKNOWN)
        return previous == walker->previous;
    return previous < record->address - record->address % walker->segment->first.segment_size;
}

/* If the CRC fits with the right pointer to the previous record, only that is damaged. */
static enum outcome judge_chain(struct walker *walker, const struct wal_assembly *record,
                                enum outcome otherwise)
{
    static const char what[] = "the chain of records is broken by the record";
    uint64_t start = walker->segment->start;
    damaged(walker, record->address, what);
    if (record->missing == 0 && walker->previous != WAL_PREVIOUS_UNKNOWN &&
        wal_assembly_crc_fits_with(record, walker->previous))
        return OUTCOME_DAMAGED;
    if (walker->carried && record->address >= start && walker->previous < start)
        does_not_follow(walker, record->address, what);
    return otherwise;
}

static enum outcome judge_whole(struct walker *walker, const struct wal_assembly *record)
{
    if (record->headless)
        return skip_padding(walker, record);
    if (!previous_fits(walker, record))
        return judge_chain(walker, record, OUTCOME_FOREIGN);
    return wal_assembly_crc_fits(record)
               ? skip_padding(walker, record)
               : damaged(walker, record->address, "wrong CRC in the record");
}

/* Of a record that was not read to its end the header is all that can be judged. */
static enum outcome judge_header(struct walker *walker, const struct wal_assembly *record,
                                 enum outcome outcome)
{
    if (!wal_assembly_has_header(record) || previous_fits(walker, record))
        return outcome;
    bool crosses_end =
        outcome == OUTCOME_CUT && walker->limit == walker->segment->first.segment_size;
    return judge_chain(walker, record, crosses_end ? OUTCOME_DAMAGED : OUTCOME_FOREIGN);
}

/* A length that no record has: is it a damaged record of ours, or no record at all? */
static enum outcome judge_short(struct walker *walker, struct wal_assembly *record)
{
    record->missing = WAL_RECORD_HEADER_SIZE;
    read_pieces(walker, record);
    damaged(walker, record->address, "impossible length of the record");
    return judge_header(walker, record, OUTCOME_DAMAGED);
}

static enum outcome finish_record(struct walker *walker, struct wal_assembly *record)
{
    enum outcome outcome = read_pieces(walker, record);
    return outcome == OUTCOME_WHOLE ? judge_whole(walker, record)
                                    : judge_header(walker, record, outcome);
}

static enum outcome next_record(struct walker *walker, struct wal_assembly *record)
{
    *record = (struct wal_assembly){.address = current_address(walker)};
    if (walker->offset == walker->limit)
        return OUTCOME_NONE;
    if (walker->offset % walker->page_size == 0 && enter_page(walker, 0) != OUTCOME_WHOLE)
        return OUTCOME_DAMAGED;
    /* its first 8 bytes are always on one page */
    wal_assembly_begin(record, current_address(walker), walker->data + walker->offset);
    return record->length < WAL_RECORD_HEADER_SIZE ? judge_short(walker, record)
                                                   : finish_record(walker, record);
}

/* What reaches in from the segment before, when that is not known: its length is all there is. */
static enum outcome skip_continuation(struct walker *walker, struct wal_assembly *record)
{
    const struct wal_page *first = &walker->segment->first;
    bool continues = first->flags & WAL_PAGE_FIRST_IS_CONTRECORD;
    wal_assembly_begin_headless(record, walker->segment->start, first->remaining_length);
    if (continues != (first->remaining_length > 0) ||
        (continues && first->flags & WAL_PAGE_OVERWRITE_CONTRECORD))
        return damaged(walker, walker->segment->start, "impossible continuation of a record");
    walker->offset = WAL_LONG_PAGE_HEADER_SIZE;
    return continues ? finish_record(walker, record) : next_record(walker, record);
}

/* Either what the segment before has left unfinished, or the segment's own first record. */
static enum outcome first_record(struct walker *walker, const struct wal_carry *carry,
                                 struct wal_assembly *record)
{
    if (!walker->carried)
        return skip_continuation(walker, record);
    walker->previous = carry->previous;
    *record = carry->pending;
    return record->missing > 0 ? finish_record(walker, record) : next_record(walker, record);
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
    damaged(walker, walker->segment->start + page, "data behind a switch of segments, before");
    *error = walker->error;
    return -1;
}

/* May records end here, before the segment does? Only on the last page in sequence, and only when
 * nothing there was meant to be a record. */
static bool is_quiet_end(const struct walker *walker, const struct wal_assembly *record,
                         enum outcome outcome)
{
    uint64_t start = walker->segment->start;
    size_t last_page = walker->limit - walker->page_size;
    if (walker->segment->name.kind == WAL_PARTIAL)
        return true;
    /* The segment's own first record has nothing before it that could tell it from a stale one. */
    if (record->address < start + last_page || record->address == start + WAL_LONG_PAGE_HEADER_SIZE)
        return false;
    size_t offset = (size_t)(record->address - start);
    return outcome == OUTCOME_FOREIGN || is_zero(walker->data + offset, walker->limit - offset);
}

static int finish(struct walker *walker, const struct wal_assembly *record, enum outcome outcome,
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
        damaged(walker, record->address, "the WAL is cut off within the record");
    *error = walker->error;
    return -1;
}

static void note_whole(struct walker *walker, const struct wal_assembly *record,
                       struct wal_walk *walk)
{
    walk->end_address = current_address(walker);
    if (record->headless)
        return;
    walk->records++;
    walker->previous = record->address;
    int64_t time = wal_assembly_transaction_time(record);
    if (time > walk->commit_time)
        walk->commit_time = time;
}

/* `record` is the latest one, or what the segment's end has left of it. */
static int walk_records(struct walker *walker, const struct wal_carry *carry,
                        struct wal_assembly *record, struct wal_walk *walk, struct error *error)
{
    enum outcome outcome = first_record(walker, carry, record);
    for (; outcome == OUTCOME_WHOLE || outcome == OUTCOME_OVERWRITTEN;
         outcome = next_record(walker, record)) {
        if (outcome == OUTCOME_OVERWRITTEN)
            continue;
        note_whole(walker, record, walk);
        if (wal_assembly_is_switch(record)) {
            walk->end = WAL_END_SWITCH;
            return check_switch_tail(walker, error);
        }
    }
    return finish(walker, record, outcome, walk, error);
}

static int check_records(const struct wal_segment *segment, const unsigned char *data,
                         const struct wal_carry *before, struct wal_carry *after,
                         struct wal_walk *walk, struct error *error)
{
    uint32_t size = segment->first.segment_size;
    struct wal_assembly record;
    struct walker walker = {.segment = segment,
                            .data = data,
                            .page_size = segment->first.page_size,
                            .limit = segment->stale_from < size ? segment->stale_from : size,
                            .previous = WAL_PREVIOUS_UNKNOWN,
                            .carried = before->known && before->next == segment->start};
    if (walk_records(&walker, before, &record, walk, error))
        return -1;
    if (walk->end != WAL_END_STALE)
        *after = (struct wal_carry){.known = true,
                                    .next = segment->start + size,
                                    .previous = walker.previous,
                                    .pending = record};
    return 0;
}

int wal_record_check_next(const struct wal_name *name, const void *data, size_t size,
                          struct wal_carry *carry, struct wal_walk *walk, struct error *error)
{
    const struct wal_carry before = *carry;
    struct wal_segment segment;
    *carry = (struct wal_carry){0};
    if (wal_segment_open(&segment, name, data, size, size, error) ||
        wal_segment_next(&segment, data, size, error))
        return -1;
    *walk = (struct wal_walk){.end_address = segment.start,
                              .end = segment.stale_from < size ? WAL_END_STALE : WAL_END_FULL,
                              .commit_time = WAL_TIME_NONE};
    if (wal_magic_record_format(segment.first.magic) != WAL_RECORD_FORMAT_CRC32C)
        return 0;
    return check_records(&segment, data, &before, carry, walk, error);
}

int wal_record_check(const struct wal_name *name, const void *data, size_t size,
                     struct wal_walk *walk, struct error *error)
{
    struct wal_carry unknown = {0};
    return wal_record_check_next(name, data, size, &unknown, walk, error);
}
