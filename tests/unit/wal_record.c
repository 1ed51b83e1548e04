/* Is a segment whole: records. */
#include "base/error.h"
#include "tap.h"
#include "wal/record.h"
#include "wal_builder.h"

static struct error error;
static struct wal_walk walk;

static enum error_class check(const struct wal_builder *b, const char *suffix)
{
    struct wal_name name = builder_name(b, suffix);
    error = (struct error){ERROR_NONE, ""};
    memset(&walk, 0xEE, sizeof walk);
    wal_record_check(&name, b->data, BUILDER_SIZE, &walk, &error);
    return error.class;
}

static void is_walk(uint64_t records, uint64_t end_address, enum wal_end end, const char *what)
{
    ok(error.class == ERROR_NONE && walk.records == records && walk.end_address == end_address &&
           walk.end == end,
       "%s: %" PRIu64 " records, end at %" PRIX64 ", %d", what, walk.records, walk.end_address,
       walk.end);
    if (error.class != ERROR_NONE)
        printf("# %s\n", error.message);
}

/* How many of the bits from..to (bytes) can be flipped unseen. */
static size_t undetected_flips(struct wal_builder *b, size_t from, size_t to)
{
    size_t undetected = 0;
    for (size_t bit = from * 8; bit < to * 8; bit++) {
        b->data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        undetected += check(b, "") == ERROR_NONE;
        b->data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    return undetected;
}

static void test_full(void)
{
    struct wal_builder b = builder_new(3);
    uint64_t records = 0;
    while (b.offset < BUILDER_SIZE - 5000) {
        builder_record(&b, (uint32_t)(24 + records * 37 % 4001));
        records++;
    }
    uint64_t end = builder_record(&b, 9000);
    check(&b, "");
    is_walk(records, end, WAL_END_FULL, "a full segment");
    check(&b, ".partial");
    is_walk(records, end, WAL_END_FULL, "a full partial");
    builder_free(&b);
}

static void test_straddling(void)
{
    struct wal_builder b = builder_new(3);
    for (size_t page = 1; page < 120; page++) {
        builder_record(&b, (uint32_t)(24 + page));
        builder_record_up_to(&b, page * BUILDER_PAGE - 8 * (page % 4));
    }
    uint64_t cut = b.offset;
    is_int(check(&b, ""), ERROR_NONE,
           "headers that begin 0, 8, 16 or 24 bytes before a page's end");
    is_walk(238, b.start + cut, WAL_END_STALE, "all of them are read");
    size_t straddling = BUILDER_PAGE - 8;
    is_int(undetected_flips(&b, straddling, BUILDER_PAGE), 0,
           "flips in a header before the page's end");
    is_int(undetected_flips(&b, BUILDER_PAGE, BUILDER_PAGE + 2), 0, "in the next page's magic");
    is_int(undetected_flips(&b, BUILDER_PAGE + 16, BUILDER_PAGE + 20), 0,
           "in its remaining length");
    is_int(undetected_flips(&b, BUILDER_PAGE + 24, BUILDER_PAGE + 48), 0,
           "in the rest of the record");
    builder_free(&b);
}

static void test_flips(void)
{
    struct wal_builder b = builder_new_within(3, 10001);
    size_t from = b.offset;
    for (int i = 0; i < 3; i++)
        builder_record(&b, (uint32_t)(61 + i));
    size_t to = b.offset;
    builder_fill(&b);
    is_int(undetected_flips(&b, from, to), 0, "every bit of three records and their padding");
    is_int(undetected_flips(&b, 16, 20), 0,
           "every bit of the length that reaches into the segment");
    is_int(undetected_flips(&b, from - 7, from), 0, "every bit of the padding behind that record");
    is_int(undetected_flips(&b, 2, 3), 1, "of the first page's flags only BKP_REMOVABLE is free");
    size_t last = (size_t)(b.previous - b.start);
    ok(BUILDER_SIZE - last > 24 && BUILDER_SIZE - last < 5003, "(the last record crosses the end)");
    is_int(undetected_flips(&b, last + 8, last + 16), 0,
           "the chain of the record that crosses the end");
    builder_free(&b);
}

static void test_messages(void)
{
    struct wal_builder b = builder_new(0x1003);
    builder_record(&b, 100);
    size_t at = (size_t)(builder_record(&b, 100) - b.start);
    builder_fill(&b);
    b.data[at + 50] ^= 1;
    is_int(check(&b, ""), ERROR_CORRUPT, "a flipped bit is damage");
    is_string(error.message, "wrong CRC in the record at 1/00300090", "the message tells where");
    b.data[at + 50] ^= 1;
    b.data[at + 8] ^= 8;
    check(&b, "");
    is_string(error.message, "the chain of records is broken by the record at 1/00300090",
              "and what: the chain");
    b.data[at + 8] ^= 8;
    b.data[at] = 23;
    check(&b, "");
    is_string(error.message, "impossible length of the record at 1/00300090", "the length");
    b.data[at] = 100;
    b.data[9] ^= 1;
    is_int(check(&b, ""), ERROR_CORRUPT, "headers are judged first");
    builder_free(&b);
}

static void test_continuation(void)
{
    struct wal_builder b = builder_new_within(3, 100001);
    uint64_t start = b.start + b.offset;
    check(&b, "");
    is_walk(0, start, WAL_END_STALE, "only the end of an earlier record");
    builder_record(&b, 50000);
    builder_switch(&b);
    check(&b, "");
    is_walk(2, b.start + b.offset, WAL_END_SWITCH, "and records behind it");
    b.data[5 * BUILDER_PAGE + 16]++;
    is_int(check(&b, ""), ERROR_CORRUPT, "a page with another remaining length");
    b.data[5 * BUILDER_PAGE + 16]--;
    b.data[5 * BUILDER_PAGE + 2] &= 0xFE;
    is_int(check(&b, ""), ERROR_CORRUPT, "a page that does not continue");
    builder_free(&b);

    b = builder_new_within(3, 5000000);
    check(&b, "");
    is_walk(0, b.start, WAL_END_FULL, "all of it within one record");
    memset(b.data + 100 * BUILDER_PAGE, 0, 28 * BUILDER_PAGE);
    is_int(check(&b, ""), ERROR_CORRUPT, "that record cut off");
    check(&b, ".partial");
    is_walk(0, b.start, WAL_END_STALE, "as a partial may be");
    builder_free(&b);
}

static void test_first_previous(void)
{
    struct wal_builder b = builder_new(3);
    b.previous = 0;
    builder_record(&b, 100);
    builder_fill(&b);
    is_int(check(&b, ""), ERROR_NONE, "after pg_resetwal the first record has none before it");
    builder_free(&b);
    b = builder_new(3);
    b.previous = b.start;
    builder_fill(&b);
    is_int(check(&b, ""), ERROR_CORRUPT, "the one before the first is not in the segment");
    builder_free(&b);
}

static void test_overwritten(void)
{
    struct wal_builder b = builder_new(3);
    builder_record(&b, 100);
    builder_abandon(&b, 30000);
    builder_record_of(&b, 40, 0, 0xD0);
    uint64_t end = b.start + b.offset;
    check(&b, "");
    is_walk(2, end, WAL_END_STALE, "a record that a crash left unfinished");
    b.data[BUILDER_PAGE + 2] ^= 8;
    is_int(check(&b, ""), ERROR_CORRUPT, "but not without the flag");
    b.data[BUILDER_PAGE + 2] ^= 9;
    is_int(check(&b, ""), ERROR_CORRUPT, "nor as a continuation");
    builder_free(&b);

    b = builder_new_within(3, 9000);
    memset(b.data + BUILDER_PAGE, 0, BUILDER_PAGE);
    b.offset = BUILDER_PAGE;
    b.flags = 8;
    builder_page(&b, 0);
    builder_record_of(&b, 40, 0, 0xD0);
    check(&b, "");
    is_walk(1, b.start + b.offset, WAL_END_STALE, "one that reached in from the segment before");
    builder_free(&b);

    b = builder_new(3);
    b.data[2] |= 8;
    builder_record_of(&b, 40, 0, 0xD0);
    builder_record_up_to(&b, BUILDER_PAGE);
    builder_record(&b, 40);
    is_int(check(&b, ""), ERROR_NONE, "one that ended with the segment before");
    b.data[BUILDER_PAGE + 2] |= 8;
    is_int(check(&b, ""), ERROR_CORRUPT, "the flag where no record was pending");
    builder_free(&b);
}

static void test_switch(void)
{
    struct wal_builder b = builder_new(3);
    builder_record_of(&b, 24, 1, 0x40);
    builder_record_of(&b, 24, 0, 0x50);
    builder_record_of(&b, 24, 0, 0x45);
    uint64_t end = b.start + b.offset;
    check(&b, "");
    is_walk(3, end, WAL_END_SWITCH, "manager 0 and the upper half of info make a switch");
    is_int(undetected_flips(&b, b.offset, b.offset + 100), 0, "every bit behind it");
    is_int(undetected_flips(&b, BUILDER_PAGE - 1, BUILDER_PAGE + 50), 0, "over the page's end");
    is_int(undetected_flips(&b, BUILDER_SIZE - 1, BUILDER_SIZE), 0, "to the segment's end");
    builder_stale(&b, BUILDER_PAGE, 0x100000, 1);
    check(&b, "");
    is_walk(3, end, WAL_END_SWITCH, "a crash may leave stale pages behind a switch");
    b.magic = 0xD097;
    for (b.offset = 0; b.offset < BUILDER_SIZE; b.offset = builder_next_page(&b)) {
        if (b.offset)
            memset(b.data + b.offset, 0, BUILDER_PAGE);
        builder_page(&b, 0);
    }
    check(&b, "");
    is_walk(3, end, WAL_END_SWITCH, "PostgreSQL 10 leaves empty pages there");
    b.data[20 * BUILDER_PAGE + 24] = 1;
    is_int(check(&b, ""), ERROR_CORRUPT, "they have to be empty");
    b.data[20 * BUILDER_PAGE + 24] = 0;
    b.data[20 * BUILDER_PAGE + 16] = 1;
    is_int(check(&b, ""), ERROR_CORRUPT, "and continue nothing");
    builder_free(&b);
}

static void test_quiet_end(void)
{
    struct wal_builder b = builder_new(3);
    for (int i = 0; i < 303; i++)
        builder_record(&b, 1001);
    uint64_t end = b.start + b.offset;
    size_t last = (size_t)(b.previous - b.start), page = builder_next_page(&b);
    check(&b, "");
    is_walk(303, end, WAL_END_STALE, "the end of an old timeline, zero tail");
    builder_stale(&b, page, 0x100000, 1);
    check(&b, "");
    is_walk(303, end, WAL_END_STALE, "stale tail");
    ok(last > page - BUILDER_PAGE, "(the last record is all on the last page)");
    is_int(undetected_flips(&b, last, last + 1001), 0, "every bit of the last record");
    memset(b.data + b.offset, 's', page - b.offset);
    check(&b, "");
    is_walk(303, end, WAL_END_STALE, "stale bytes from within the page on");
    memset(b.data + b.offset, 0, page - b.offset);
    b.data[b.offset] = 1;
    check(&b, "");
    is_walk(303, end, WAL_END_STALE, "stale bytes that begin with a short length");
    memset(b.data + b.offset, 0, page - b.offset);
    size_t offset = b.offset;
    b.previous -= BUILDER_SIZE;
    builder_record(&b, 100);
    check(&b, "");
    is_walk(303, end, WAL_END_STALE, "a stale record, whole but of another chain");
    memset(b.data + offset, 0, page - offset);
    b.data[last] = 1;
    b.data[last + 1] = 0;
    is_int(check(&b, ""), ERROR_CORRUPT, "a short length in a record of the chain is damage");
    builder_free(&b);
}

/* Timeline 2 ends within its first segment, which PostgreSQL copied from timeline 1. */
static void test_copied(void)
{
    struct wal_builder b = builder_new(3);
    b.data[4] = 1;
    builder_record(&b, 40000);
    size_t from = builder_next_page(&b);
    builder_repeat(&b, from - BUILDER_PAGE, from);
    check(&b, ".partial");
    is_walk(1, b.start + b.offset, WAL_END_STALE,
            "a tail that repeats the page with the switch point");
    builder_free(&b);
}

static void test_cut(void)
{
    struct wal_builder b = builder_new(3);
    builder_record_up_to(&b, BUILDER_PAGE - 96);
    uint64_t cut = builder_record(&b, 1000);
    size_t at = (size_t)(cut - b.start);
    memset(b.data + BUILDER_PAGE, 0, BUILDER_PAGE);
    is_int(check(&b, ""), ERROR_CORRUPT, "a record that is cut off is damage");
    is_string(error.message, "the WAL is cut off within the record at 0/00301FA0", "which one");
    check(&b, ".partial");
    is_walk(1, cut, WAL_END_STALE, "and the end of a partial");
    b.data[at + 8] ^= 8;
    check(&b, "");
    is_walk(1, cut, WAL_END_STALE, "but outside the chain it was never a record here");
    builder_free(&b);

    b = builder_new(3);
    builder_record_up_to(&b, BUILDER_PAGE - 8);
    builder_record(&b, 1000);
    memset(b.data + BUILDER_PAGE, 0, BUILDER_PAGE);
    is_int(check(&b, ""), ERROR_CORRUPT, "cut off within its header");
    memset(b.data + BUILDER_PAGE - 8, 0, 8);
    check(&b, "");
    is_walk(1, b.start + BUILDER_PAGE - 8, WAL_END_STALE, "8 zero bytes at the end of a page");
    builder_free(&b);
}

static void test_hole(void)
{
    struct wal_builder b = builder_new(3);
    builder_fill(&b);
    uint64_t records = (check(&b, ""), walk.records);
    size_t hole = 40 * BUILDER_PAGE + 24;
    memset(b.data + hole, 0, BUILDER_PAGE - 24);
    is_int(check(&b, ""), ERROR_CORRUPT, "a page whose body is zero, followed by others");
    check(&b, ".partial");
    ok(error.class == ERROR_NONE && walk.end == WAL_END_STALE && walk.records < records &&
           walk.end_address <= b.start + hole,
       "a partial ends there");
    builder_free(&b);
}

static void test_last_page(void)
{
    struct wal_builder b = builder_new(3);
    for (size_t page = 1; page <= 128; page++)
        builder_record_up_to(&b, page * BUILDER_PAGE);
    check(&b, "");
    is_walk(128, b.start + BUILDER_SIZE, WAL_END_FULL, "records end exactly with the segment");
    size_t last = (size_t)(b.previous - b.start);
    memset(b.data + last, 0, BUILDER_PAGE - 24);
    check(&b, "");
    is_walk(127, b.start + 127 * BUILDER_PAGE, WAL_END_STALE, "a last page without records");
    builder_free(&b);
}

static void test_other_formats(void)
{
    static const uint16_t magics[] = {0xD07E, 0xD200};
    for (size_t i = 0; i < 2; i++) {
        struct wal_builder b = builder_new(3);
        b.magic = magics[i];
        builder_put(b.data, b.magic, 2);
        builder_fill(&b);
        b.data[100] ^= 1;
        check(&b, "");
        is_walk(0, b.start, WAL_END_FULL, "records of 9.4 or of a newer release are not judged");
        b.data[BUILDER_PAGE + 9] ^= 1;
        is_int(check(&b, ""), ERROR_CORRUPT, "their pages are");
        builder_free(&b);
    }
}

/* Whatever the bytes are, nothing is read outside of them (asan sees) and the walk ends. */
static void test_hostile(void)
{
    struct wal_builder b = builder_new(3);
    builder_fill(&b);
    srand(1);
    size_t accepted = 0;
    for (int round = 0; round < 300; round++) {
        size_t at = (size_t)rand() % (BUILDER_SIZE - 64), size = (size_t)rand() % 64 + 1;
        unsigned char saved[64];
        memcpy(saved, b.data + at, size);
        for (size_t i = 0; i < size; i++)
            b.data[at + i] = (unsigned char)rand();
        accepted += check(&b, "") == ERROR_NONE && at < BUILDER_SIZE - 16384;
        check(&b, ".partial");
        memcpy(b.data + at, saved, size);
    }
    is_int(accepted, 0, "300 runs of random bytes are found");
    builder_free(&b);
}

int main(void)
{
    test_full();
    test_straddling();
    test_flips();
    test_messages();
    test_continuation();
    test_first_previous();
    test_overwritten();
    test_switch();
    test_quiet_end();
    test_copied();
    test_cut();
    test_hole();
    test_last_page();
    test_other_formats();
    test_hostile();
    return done_testing();
}
