/* Are segments whole, one behind the other: the records that cross their borders. */
#include "base/error.h"
#include "tap.h"
#include "wal/record.h"
#include "wal_builder.h"

static struct error error;
static struct wal_walk walk;
static struct wal_carry carry;

static enum error_class check_named(const struct wal_builder *b, const struct wal_name *name)
{
    error = (struct error){ERROR_NONE, ""};
    memset(&walk, 0xEE, sizeof walk);
    wal_record_check_next(name, b->data, BUILDER_SIZE, &carry, &walk, &error);
    return error.class;
}

/* With what the latest check has left. */
static enum error_class check_next(const struct wal_builder *b)
{
    struct wal_name name = builder_name(b, "");
    return check_named(b, &name);
}

static enum error_class check_first(const struct wal_builder *b)
{
    carry = (struct wal_carry){0};
    return check_next(b);
}

static enum error_class check_both(const struct wal_builder *first,
                                   const struct wal_builder *second)
{
    return check_first(first) == ERROR_NONE ? check_next(second) : error.class;
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

/* A segment full of records but for its last `left` bytes. */
static struct wal_builder nearly_full(uint32_t number, size_t left)
{
    struct wal_builder b = builder_new(number);
    for (size_t end = BUILDER_PAGE; end < BUILDER_SIZE; end += BUILDER_PAGE)
        builder_record_up_to(&b, end);
    builder_record_up_to(&b, BUILDER_SIZE - left);
    return b;
}

/* How many of the bits from..to (bytes) of one of the two can be flipped unseen; every step-th. */
static size_t undetected_flips(struct wal_builder *first, struct wal_builder *second,
                               unsigned char *data, size_t from, size_t to, size_t step)
{
    size_t undetected = 0;
    for (size_t bit = from * 8; bit < to * 8; bit += step) {
        data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        undetected += check_both(first, second) == ERROR_NONE;
        data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    return undetected;
}

static void crossing_is_checked(size_t left, uint32_t length, size_t step)
{
    struct wal_builder a = nearly_full(3, left);
    builder_record(&a, length);
    struct wal_builder b = builder_after(&a);
    size_t end = b.offset;
    builder_fill(&b);
    is_int(check_both(&a, &b), ERROR_NONE, "%" PRIu32 " bytes, %zu of them before the border",
           length, left);
    is_int(undetected_flips(&a, &b, a.data, BUILDER_SIZE - left, BUILDER_SIZE, step), 0,
           "every bit before the border");
    is_int(undetected_flips(&a, &b, b.data, 40, end, step), 0, "every bit behind it, and padding");
    is_int(undetected_flips(&a, &b, b.data, 16, 20, 1), 0, "every bit of the length between");
    is_int(undetected_flips(&a, &b, b.data, 2, 3, 1), 1,
           "of the page's flags only BKP_REMOVABLE is free");
    builder_free(&a);
    builder_free(&b);
}

static void test_flips(void)
{
    for (size_t left = 8; left <= 48; left += 8)
        crossing_is_checked(left, 61, 1);
    crossing_is_checked(96, 309, 1);
    crossing_is_checked(4000, 30007, 997);
}

static void test_counts(void)
{
    struct wal_builder a = nearly_full(3, 32);
    uint64_t crossing = builder_record(&a, 100);
    struct wal_builder b = builder_after(&a);
    uint64_t behind = b.start + b.offset;
    check_both(&a, &b);
    is_walk(1, behind, WAL_END_STALE, "the record that crosses is one of the segment it ends in");
    check_first(&a);
    is_walk(128, crossing, WAL_END_FULL, "not of the one it begins in");
    ok(carry.known && carry.next == b.start && carry.pending.address == crossing,
       "which leaves it for the next");
    builder_record(&b, 100);
    builder_switch(&b);
    check_next(&b);
    is_walk(3, b.start + b.offset, WAL_END_SWITCH, "records follow it");
    check_first(&b);
    is_walk(2, b.start + b.offset, WAL_END_SWITCH, "alone, the segment has those only");
    builder_free(&a);
    builder_free(&b);
}

static void test_messages(void)
{
    struct wal_builder a = nearly_full(3, 32);
    builder_record(&a, 100);
    struct wal_builder b = builder_after(&a);
    size_t second = b.offset;
    builder_record(&b, 100);
    builder_fill(&b);
    b.data[50] ^= 1;
    is_int(check_both(&a, &b), ERROR_CORRUPT, "a flipped bit is damage");
    is_string(error.message,
              "wrong CRC in the record at 0/003FFFE0, which begins in the segment before: the "
              "damage may be in either",
              "where the record begins, and that either segment may be damaged");
    ok(!carry.known, "nothing is handed on after an error");
    is_int(check_first(&b), ERROR_NONE, "without a carry the rest is judged alone");
    b.data[50] ^= 1;
    b.data[16]++;
    check_both(&a, &b);
    is_string(error.message,
              "the page does not continue where the one before it ended at 0/00400000: the damage "
              "may be in the segment before",
              "another length than is missing");
    b.data[16]--;
    b.data[second + 50] ^= 1;
    check_both(&a, &b);
    is_string(error.message, "wrong CRC in the record at 0/00400070",
              "a record of the segment's own");
    builder_free(&a);
    builder_free(&b);
}

static void test_first_previous(void)
{
    struct wal_builder a = nearly_full(3, 0);
    struct wal_builder b = builder_after(&a);
    uint64_t first = builder_record(&b, 100);
    builder_fill(&b);
    is_int(check_both(&a, &b), ERROR_NONE, "records that end with the segment");
    size_t pointer = (size_t)(first - b.start) + 8;
    is_int(undetected_flips(&a, &b, b.data, pointer, pointer + 8, 1), 0,
           "every bit of the first record's pointer");
    b.data[pointer] ^= 8;
    check_both(&a, &b);
    is_string(error.message, "the chain of records is broken by the record at 0/00400028",
              "when the CRC tells that the pointer is damaged");
    builder_free(&b);

    b = builder_after(&a);
    b.previous -= 8;
    builder_record(&b, 100);
    builder_fill(&b);
    is_int(check_first(&b), ERROR_NONE, "a whole segment that goes on from another record");
    is_int(check_both(&a, &b), ERROR_CORRUPT, "is not what follows");
    is_string(error.message,
              "the chain of records is broken by the record at 0/00400028: the damage may be in "
              "the segment before",
              "when the record itself is whole");
    builder_free(&b);

    b = builder_new_within(4, 100);
    is_int(check_both(&a, &b), ERROR_CORRUPT, "the end of a record where none is missing");
    builder_free(&b);
    builder_free(&a);
}

/* A crash while the record that crosses was being written. */
static void test_overwritten(void)
{
    struct wal_builder a = nearly_full(3, 32), b;
    uint64_t previous = a.previous;
    builder_record(&a, 20000);
    for (size_t page = 0; page < 2; page++) {
        b = builder_after(&a);
        memset(b.data + page * BUILDER_PAGE, 0, BUILDER_SIZE - page * BUILDER_PAGE);
        b.offset = page * BUILDER_PAGE;
        b.flags = 8;
        builder_page(&b, 0);
        b.previous = previous;
        builder_record_of(&b, 40, 0, 0xD0);
        check_both(&a, &b);
        is_walk(1, b.start + b.offset, WAL_END_STALE, "overwritten on the first or second page");
        b.data[page * BUILDER_PAGE + 2] ^= 8;
        is_int(check_both(&a, &b), ERROR_CORRUPT, "but not without the flag");
        builder_free(&b);
    }
    b = builder_after(&a);
    b.data[2] |= 8;
    is_int(check_both(&a, &b), ERROR_CORRUPT, "nor by a page that continues it");
    builder_free(&b);
    builder_free(&a);

    a = nearly_full(3, 0);
    b = builder_after(&a);
    b.data[2] |= 8;
    builder_record_of(&b, 40, 0, 0xD0);
    is_int(check_both(&a, &b), ERROR_CORRUPT, "nor where no record was pending");
    builder_free(&a);
    builder_free(&b);
}

static void test_long_record(void)
{
    struct wal_builder s[4];
    s[0] = nearly_full(3, 8);
    uint64_t address = builder_record(&s[0], (uint32_t)(2 * BUILDER_SIZE + 500000));
    for (int i = 1; i < 4; i++)
        s[i] = builder_after(&s[i - 1]);
    builder_switch(&s[3]);
    check_both(&s[0], &s[1]);
    is_walk(0, s[1].start, WAL_END_FULL, "all of it within one record");
    check_next(&s[2]);
    is_walk(0, s[2].start, WAL_END_FULL, "and all of the next");
    check_next(&s[3]);
    is_walk(2, s[3].start + s[3].offset, WAL_END_SWITCH, "where it ends it is checked");
    s[1].data[500000] ^= 1;
    ok(check_both(&s[0], &s[1]) == ERROR_NONE && check_next(&s[2]) == ERROR_NONE,
       "a flipped bit in its midst is not seen there");
    is_int(check_next(&s[3]), ERROR_CORRUPT, "but at its end");
    is_string(error.message,
              "wrong CRC in the record at 0/003FFFF8, which begins in an earlier segment: the "
              "damage may be in any",
              "with where it begins");
    ok(address == 0x3FFFF8, "(it begins there)");
    s[1].data[500000] ^= 1;
    is_int(check_both(&s[0], &s[2]), ERROR_NONE, "behind a gap nothing is known");
    ok(carry.known && carry.pending.headless, "but how much is missing");
    check_next(&s[3]);
    is_walk(1, s[3].start + s[3].offset, WAL_END_SWITCH, "with that the next is judged");
    check_first(&s[2]);
    s[3].data[17]++;
    is_int(check_next(&s[3]), ERROR_CORRUPT, "and its first page");
    for (int i = 0; i < 4; i++)
        builder_free(&s[i]);
}

static void test_switch(void)
{
    struct wal_builder a = builder_new(3);
    builder_record(&a, 100);
    builder_switch(&a);
    struct wal_builder b = builder_after(&a);
    builder_record(&b, 100);
    builder_switch(&b);
    check_both(&a, &b);
    is_walk(2, b.start + b.offset, WAL_END_SWITCH, "behind a switch the chain goes on");
    builder_free(&b);
    b = builder_after(&a);
    b.previous -= 104;
    builder_record(&b, 100);
    builder_switch(&b);
    is_int(check_both(&a, &b), ERROR_CORRUPT, "from the switch, not from what was before it");
    builder_free(&a);
    builder_free(&b);

    a = nearly_full(3, 16);
    builder_switch(&a);
    b = builder_after(&a);
    check_both(&a, &b);
    is_walk(1, b.start + b.offset, WAL_END_SWITCH, "a switch across the border empties the next");
    b.data[20000] = 1;
    is_int(check_both(&a, &b), ERROR_CORRUPT, "which has to be empty");
    b.data[20000] = 0;
    struct wal_builder c = builder_after(&b);
    builder_switch(&c);
    check_both(&a, &b);
    check_next(&c);
    is_walk(1, c.start + c.offset, WAL_END_SWITCH, "and the one behind goes on from it");
    builder_free(&a);
    builder_free(&b);
    builder_free(&c);
}

static void test_unknown(void)
{
    struct wal_builder a = builder_new(3);
    builder_record(&a, 100);
    is_int(check_first(&a), ERROR_NONE, "the end of a timeline");
    ok(walk.end == WAL_END_STALE && !carry.known, "leaves nothing");
    builder_free(&a);

    a = nearly_full(3, 32);
    builder_record(&a, 100);
    struct wal_builder b = builder_after(&a), other = builder_new_within(5, 70);
    builder_fill(&b);
    is_int(check_both(&a, &other), ERROR_NONE, "a carry for another address is not used");
    check_first(&a);
    b.data[100000] ^= 1;
    struct wal_carry kept = carry;
    is_int(check_next(&b), ERROR_CORRUPT, "damage behind the border");
    is_int(check_next(&b), ERROR_CORRUPT, "is damage without the carry");
    b.data[100000] ^= 1;
    carry = kept;
    is_int(check_next(&b), ERROR_NONE, "a carry can be kept");
    builder_free(&other);
    builder_free(&b);
    builder_free(&a);

    a = builder_new_within(0, 70);
    is_int(check_first(&a), ERROR_NONE, "nor is what is unknown, at the address 0");
    builder_free(&a);

    a = builder_new(3);
    a.magic = 0xD07E;
    builder_put(a.data, a.magic, 2);
    builder_fill(&a);
    check_first(&a);
    ok(error.class == ERROR_NONE && !carry.known && walk.commit_time == WAL_TIME_NONE,
       "records that are not looked at leave nothing");
    builder_free(&a);
}

/* Timeline 3 begins with a copy of the segment in which it left timeline 2. */
static void test_new_timeline(void)
{
    struct wal_builder a = nearly_full(3, 32);
    builder_record(&a, 100);
    struct wal_builder b = builder_after(&a);
    builder_record(&b, 9000);
    b.timeline = 3;
    builder_fill(&b);
    is_int(check_both(&a, &b), ERROR_NONE, "it goes on from the old timeline's segment before");
    is_int(undetected_flips(&a, &b, b.data, 40, 112, 1), 0, "every bit of what crosses");
    builder_free(&a);
    builder_free(&b);
}

static void test_partial(void)
{
    struct wal_builder a = nearly_full(3, 32);
    builder_record(&a, 100);
    struct wal_builder b = builder_after(&a);
    struct wal_name name = builder_name(&b, ".partial");
    builder_record(&b, 100);
    check_first(&a);
    check_named(&b, &name);
    is_walk(2, b.start + b.offset, WAL_END_STALE, "a partial goes on like a segment");
    b.data[50] ^= 1;
    check_first(&a);
    check_named(&b, &name);
    is_walk(0, b.start, WAL_END_STALE, "or ends where the record that reaches in is not whole");
    builder_free(&a);
    builder_free(&b);
}

int main(void)
{
    test_counts();
    test_flips();
    test_messages();
    test_first_previous();
    test_overwritten();
    test_long_record();
    test_switch();
    test_unknown();
    test_new_timeline();
    test_partial();
    return done_testing();
}
