#include "wal/segment.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

static bool is_power_of_two(uint32_t value)
{
    return value && !(value & (value - 1));
}

static int check_magic(uint16_t magic, struct error *error)
{
    switch (wal_magic_age(magic)) {
    case WAL_MAGIC_UNKNOWN:
        return error_set(error, ERROR_CORRUPT,
                         "not a WAL segment: its first page has the magic number %04X", magic);
    case WAL_MAGIC_TOO_OLD:
        return error_set(error, ERROR_REFUSED,
                         "written by PostgreSQL 9.2 or older (page magic %04X)", magic);
    default:
        return 0;
    }
}

/* Of a release that is not known yet, flags that are not known yet are no damage. */
static bool flags_are_known(const struct wal_segment *segment, const struct wal_page *page)
{
    return !segment->version || !(page->flags & ~WAL_PAGE_ALL_FLAGS);
}

static int check_first_header(const struct wal_segment *segment, struct error *error)
{
    const struct wal_page *first = &segment->first;
    if (!(first->flags & WAL_PAGE_LONG_HEADER) || !flags_are_known(segment, first))
        return error_set(error, ERROR_CORRUPT, "the first page has impossible flags (%04X)",
                         first->flags);
    if (!is_power_of_two(first->segment_size) || first->segment_size < WAL_SEGMENT_SIZE_MIN ||
        first->segment_size > WAL_SEGMENT_SIZE_MAX)
        return error_set(error, ERROR_CORRUPT,
                         "the first page has an impossible segment size (%" PRIu32 ")",
                         first->segment_size);
    if (!is_power_of_two(first->page_size) || first->page_size < WAL_PAGE_SIZE_MIN ||
        first->page_size > WAL_PAGE_SIZE_MAX)
        return error_set(error, ERROR_CORRUPT,
                         "the first page has an impossible page size (%" PRIu32 ")",
                         first->page_size);
    if (first->address % first->segment_size != 0)
        return error_set(error, ERROR_CORRUPT,
                         "the first page's address %" PRIX64 "/%08" PRIX32
                         " is not the beginning of a segment",
                         first->address >> 32, (uint32_t)first->address);
    if (first->timeline == 0)
        return error_set(error, ERROR_CORRUPT, "the first page has timeline 0");
    return 0;
}

static int check_name(struct wal_segment *segment, struct error *error)
{
    const struct wal_page *first = &segment->first;
    if (!wal_name_address(&segment->name, first->segment_size, &segment->start))
        return error_set(error, ERROR_REFUSED,
                         "no segment of %" PRIu32
                         " bytes, the size in its first page, has this name",
                         first->segment_size);
    if (first->address != segment->start)
        return error_set(
            error, ERROR_REFUSED, "it is another segment: %08" PRIX32 "%08" PRIX64 "%08" PRIX32,
            first->timeline, first->address >> 32, (uint32_t)first->address / first->segment_size);
    if (first->timeline > segment->name.timeline)
        return error_set(error, ERROR_REFUSED,
                         "it is of timeline %" PRIu32 ", its name says %" PRIu32, first->timeline,
                         segment->name.timeline);
    return 0;
}

int wal_segment_open(struct wal_segment *segment, const struct wal_name *name, const void *page,
                     size_t size, uint64_t file_size, struct error *error)
{
    *segment = (struct wal_segment){.name = *name, .stale_from = UINT64_MAX, .suspect = UINT64_MAX};
    if (file_size == 0)
        return error_set(error, ERROR_CORRUPT, "it is empty");
    bool decoded = wal_page_decode(page, size, &segment->first);
    if (size >= WAL_PAGE_HEADER_SIZE && check_magic(segment->first.magic, error))
        return -1;
    if (!decoded)
        return error_set(error, ERROR_CORRUPT,
                         "it is too short for a WAL segment: %" PRIu64 " bytes", file_size);
    segment->version = wal_magic_version(segment->first.magic);
    segment->timeline = segment->first.timeline;
    if (check_first_header(segment, error))
        return -1;
    if (file_size != segment->first.segment_size)
        return error_set(error, ERROR_CORRUPT,
                         "it is %" PRIu64 " bytes long, a segment has %" PRIu32, file_size,
                         segment->first.segment_size);
    return check_name(segment, error);
}

static bool is_zero(const unsigned char *header)
{
    static const unsigned char zero[WAL_PAGE_HEADER_SIZE];
    return !memcmp(header, zero, sizeof zero);
}

static int check_flags(const struct wal_segment *segment, uint64_t offset,
                       const struct wal_page *page, struct error *error)
{
    bool is_long = page->flags & WAL_PAGE_LONG_HEADER;
    bool begins_segment = page->address % segment->first.segment_size == 0;
    if (is_long == begins_segment && flags_are_known(segment, page))
        return 0;
    return error_set(error, ERROR_CORRUPT,
                     "the page at offset %" PRIu64 " has impossible flags (%04X)", offset,
                     page->flags);
}

/* What holds for every page that PostgreSQL leaves at this place: it belongs here, or further to
 * the front, in this segment or another. */
static int check_header(const struct wal_segment *segment, uint64_t offset,
                        const struct wal_page *page, struct error *error)
{
    uint64_t place = page->address % segment->first.segment_size;
    if (page->magic != segment->first.magic)
        return error_set(error, ERROR_CORRUPT,
                         "the page at offset %" PRIu64 " has the magic number %04X, not %04X",
                         offset, page->magic, segment->first.magic);
    if (page->timeline == 0 || page->timeline > segment->name.timeline)
        return error_set(error, ERROR_CORRUPT,
                         "the page at offset %" PRIu64 " is of timeline %" PRIu32
                         ", the name says %" PRIu32,
                         offset, page->timeline, segment->name.timeline);
    if (place > offset || place % segment->first.page_size)
        return error_set(error, ERROR_CORRUPT,
                         "the page at offset %" PRIu64 " has the address %" PRIX64 "/%08" PRIX32,
                         offset, page->address >> 32, (uint32_t)page->address);
    return check_flags(segment, offset, page, error);
}

static bool is_in_sequence(const struct wal_segment *segment, uint64_t offset,
                           const struct wal_page *page)
{
    return page->address == segment->start + offset && page->timeline >= segment->timeline;
}

static bool differ_by_one_bit(const struct wal_segment *segment, uint64_t offset,
                              const struct wal_page *page)
{
    return __builtin_popcountll(page->address ^ (segment->start + offset)) +
               __builtin_popcount(page->timeline ^ segment->timeline) ==
           1;
}

static void end_sequence(struct wal_segment *segment, uint64_t offset)
{
    if (segment->stale_from == UINT64_MAX)
        segment->stale_from = offset;
}

static void note_stale(struct wal_segment *segment, uint64_t offset, const struct wal_page *page)
{
    end_sequence(segment, offset);
    segment->stale_pages++;
    if (differ_by_one_bit(segment, offset, page))
        segment->suspect = offset;
}

static int note_in_sequence(struct wal_segment *segment, const struct wal_page *page,
                            struct error *error)
{
    if (segment->stale_from != UINT64_MAX)
        return error_set(error, ERROR_CORRUPT,
                         "the page at offset %" PRIu64 " is not in sequence, a later one is",
                         segment->stale_from);
    segment->timeline = page->timeline;
    return 0;
}

/* Behind the end of the sequence a partial may hold anything. */
static int note_in_partial(struct wal_segment *segment, uint64_t offset,
                           const struct wal_page *page)
{
    struct error ignored;
    bool in_sequence = segment->stale_from == UINT64_MAX && is_in_sequence(segment, offset, page) &&
                       check_header(segment, offset, page, &ignored) == 0;
    if (in_sequence)
        segment->timeline = page->timeline;
    else
        end_sequence(segment, offset);
    return 0;
}

/* Judges the page whose header has just become complete. */
static int judge_page(struct wal_segment *segment, struct error *error)
{
    uint64_t offset = segment->offset - WAL_PAGE_HEADER_SIZE;
    if (offset == 0)
        return 0;
    if (is_zero(segment->header)) {
        end_sequence(segment, offset);
        return 0;
    }
    struct wal_page page;
    wal_page_decode(segment->header, sizeof segment->header, &page);
    if (segment->name.kind == WAL_PARTIAL)
        return note_in_partial(segment, offset, &page);
    if (check_header(segment, offset, &page, error))
        return -1;
    if (is_in_sequence(segment, offset, &page))
        return note_in_sequence(segment, &page, error);
    note_stale(segment, offset, &page);
    return 0;
}

/* One stale page alone, and that by one bit: no recycled segment, but a flipped bit in the last
 * page of the sequence, behind which no page is left that could tell. */
static int check_suspect(const struct wal_segment *segment, struct error *error)
{
    if (segment->offset < segment->first.segment_size || segment->stale_pages != 1 ||
        segment->suspect == UINT64_MAX)
        return 0;
    return error_set(error, ERROR_CORRUPT,
                     "the page at offset %" PRIu64 " is one bit away from being in sequence",
                     segment->suspect);
}

/* Takes what there is of a page's header, or skips to the next page; how many bytes that was. */
static size_t take_portion(struct wal_segment *segment, const unsigned char *data, size_t size)
{
    size_t in_page = segment->offset % segment->first.page_size;
    size_t wanted =
        (in_page < WAL_PAGE_HEADER_SIZE ? WAL_PAGE_HEADER_SIZE : segment->first.page_size) -
        in_page;
    size_t taken = size < wanted ? size : wanted;
    if (in_page < WAL_PAGE_HEADER_SIZE)
        memcpy(segment->header + in_page, data, taken);
    segment->offset += taken;
    return taken;
}

int wal_segment_next(struct wal_segment *segment, const void *data, size_t size,
                     struct error *error)
{
    const unsigned char *bytes = data;
    if (size > segment->first.segment_size - segment->offset)
        return error_set(error, ERROR_CORRUPT, "it is longer than a segment of %" PRIu32 " bytes",
                         segment->first.segment_size);
    while (size > 0) {
        size_t taken = take_portion(segment, bytes, size);
        if (segment->offset % segment->first.page_size == WAL_PAGE_HEADER_SIZE &&
            judge_page(segment, error))
            return -1;
        bytes += taken;
        size -= taken;
    }
    return check_suspect(segment, error);
}
