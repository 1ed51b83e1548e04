/* Does a file's content fit its name: headers only. */
#include "base/error.h"
#include "tap.h"
#include "wal/segment.h"
#include "wal_builder.h"

/* Judges all of `size` bytes in portions of `portion`; the class of what went wrong. */
static enum error_class judge_in_portions(struct wal_segment *segment, const struct wal_name *name,
                                          const unsigned char *data, size_t size, size_t portion)
{
    struct error error = {ERROR_NONE, ""};
    if (wal_segment_open(segment, name, data, size, size, &error))
        return error.class;
    for (size_t at = 0; at < size; at += portion) {
        size_t rest = size - at;
        if (wal_segment_next(segment, data + at, rest < portion ? rest : portion, &error))
            return error.class;
    }
    return error.class;
}

static enum error_class judge(const struct wal_builder *b, const char *suffix)
{
    struct wal_segment segment;
    struct wal_name name = builder_name(b, suffix);
    return judge_in_portions(&segment, &name, b->data, BUILDER_SIZE, BUILDER_SIZE);
}

static enum error_class open_as(const struct wal_builder *b, const char *name_text, size_t size)
{
    struct wal_segment segment;
    struct wal_name name;
    struct error error = {ERROR_NONE, ""};
    if (!wal_name_parse(name_text, strlen(name_text), &name))
        abort();
    wal_segment_open(&segment, &name, b->data, size < BUILDER_PAGE ? size : BUILDER_PAGE, size,
                     &error);
    return error.class;
}

static void test_open(void)
{
    struct wal_builder b = builder_new(0x1003);
    struct wal_name name = builder_name(&b, "");
    struct wal_segment segment;
    struct error error;
    builder_fill(&b);
    is_int(wal_segment_open(&segment, &name, b.data, 40, BUILDER_SIZE, &error), 0,
           "40 bytes are enough to open a segment");
    is_string(segment.version, "15", "the version is told");
    ok(segment.start == UINT64_C(0x100300000), "where it begins");
    ok(segment.first.system_identifier == 0x1122334455667788, "whose it is");
    is_string(name.text, "000000020000000100000003", "(the name)");
    static const struct {
        enum error_class class;
        const char *name;
        size_t size;
    } cases[] = {
        {ERROR_NONE, "000000020000000100000003", BUILDER_SIZE},
        {ERROR_NONE, "000000020000000100000003.partial", BUILDER_SIZE},
        {ERROR_NONE, "000000030000000100000003", BUILDER_SIZE}, /* begins as a copy of timeline 2 */
        {ERROR_REFUSED, "000000010000000100000003", BUILDER_SIZE},
        {ERROR_REFUSED, "000000020000000100000004", BUILDER_SIZE},
        {ERROR_REFUSED, "000000020000000000000003", BUILDER_SIZE},
        {ERROR_REFUSED, "000000020000000100001003", BUILDER_SIZE},
        {ERROR_CORRUPT, "000000020000000100000003", 0},
        {ERROR_CORRUPT, "000000020000000100000003", 1},
        {ERROR_CORRUPT, "000000020000000100000003", 39},
        {ERROR_CORRUPT, "000000020000000100000003", 40},
        {ERROR_CORRUPT, "000000020000000100000003", BUILDER_SIZE - 1},
        {ERROR_CORRUPT, "000000020000000100000003", BUILDER_SIZE + 1},
        {ERROR_CORRUPT, "000000020000000100000003.partial", BUILDER_SIZE / 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        is_int(open_as(&b, cases[i].name, cases[i].size), cases[i].class, "%s of %zu bytes",
               cases[i].name, cases[i].size);
    builder_free(&b);
}

static void test_first_page(void)
{
    static const struct {
        enum error_class class;
        size_t offset;
        int bytes;
        uint64_t value;
        const char *what;
    } cases[] = {
        {ERROR_NONE, 0, 2, 0xD118, "another known magic"},
        {ERROR_NONE, 0, 2, 0xD120, "a newer magic"},
        {ERROR_CORRUPT, 0, 2, 0xD111, "an unlisted magic"},
        {ERROR_CORRUPT, 0, 2, 0x10D1, "bytes swapped"},
        {ERROR_CORRUPT, 0, 2, 0, "zeros"},
        {ERROR_REFUSED, 0, 2, 0xD071, "PostgreSQL 9.2"},
        {ERROR_CORRUPT, 2, 2, 4, "no long header"},
        {ERROR_CORRUPT, 2, 2, 0x16, "an unknown flag"},
        {ERROR_CORRUPT, 4, 4, 0, "timeline 0"},
        {ERROR_REFUSED, 4, 4, 3, "a higher timeline"},
        {ERROR_NONE, 4, 4, 1, "a lower timeline"},
        {ERROR_REFUSED, 8, 8, 0x400000, "another segment's address"},
        {ERROR_CORRUPT, 8, 8, 0x300010, "an address within a segment"},
        {ERROR_CORRUPT, 32, 4, 0, "no segment size"},
        {ERROR_CORRUPT, 32, 4, 512 * 1024, "too small a segment size"},
        {ERROR_CORRUPT, 32, 4, 0x80000000, "too large a segment size"},
        {ERROR_CORRUPT, 32, 4, 3 * 512 * 1024, "a segment size that is no power of two"},
        {ERROR_CORRUPT, 32, 4, 2 * 1024 * 1024, "another segment size"},
        {ERROR_CORRUPT, 36, 4, 0, "no page size"},
        {ERROR_CORRUPT, 36, 4, 512, "too small a page size"},
        {ERROR_CORRUPT, 36, 4, 131072, "too large a page size"},
        {ERROR_CORRUPT, 36, 4, 5000, "a page size that is no power of two"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wal_builder b = builder_new(3);
        builder_put(b.data + cases[i].offset, cases[i].value, cases[i].bytes);
        is_int(open_as(&b, "000000020000000000000003", BUILDER_SIZE), cases[i].class,
               "first page: %s", cases[i].what);
        builder_free(&b);
    }
}

static void test_portions(void)
{
    static const size_t portions[] = {1, 7, 23, 24, 25, 8191, 8192, 8193, 100000, BUILDER_SIZE};
    struct wal_builder b = builder_new(3);
    struct wal_name name = builder_name(&b, "");
    struct wal_segment segment;
    builder_fill(&b);
    for (size_t i = 0; i < sizeof portions / sizeof portions[0]; i++) {
        ok(judge_in_portions(&segment, &name, b.data, BUILDER_SIZE, portions[i]) == ERROR_NONE &&
               segment.offset == BUILDER_SIZE && segment.stale_from == UINT64_MAX,
           "in portions of %zu", portions[i]);
        b.data[100 * BUILDER_PAGE + 9] ^= 1;
        is_int(judge_in_portions(&segment, &name, b.data, BUILDER_SIZE, portions[i]), ERROR_CORRUPT,
               "damage in portions of %zu", portions[i]);
        b.data[100 * BUILDER_PAGE + 9] ^= 1;
    }
    struct error error;
    judge_in_portions(&segment, &name, b.data, BUILDER_SIZE, BUILDER_SIZE);
    is_int(wal_segment_next(&segment, b.data, 1, &error), -1, "there is no byte behind the end");
    is_int(error.class, ERROR_CORRUPT, "and that is damage");
    builder_free(&b);
}

/* Every bit that is one of: magic, flags but those that may be either, timeline, address. */
static size_t undetected_flips(struct wal_builder *b, size_t page)
{
    size_t undetected = 0;
    for (size_t bit = 0; bit < 128; bit++) {
        if (bit == 16 || bit == 18 || bit == 19)
            continue;
        b->data[page + bit / 8] ^= (unsigned char)(1 << bit % 8);
        undetected += judge(b, "") != ERROR_CORRUPT;
        b->data[page + bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    return undetected;
}

static void test_flips(void)
{
    static const size_t pages[] = {1, 2, 64, 126, 127};
    struct wal_builder b = builder_new(0x30007);
    b.timeline = 7;
    builder_page(
        &(struct wal_builder){.data = b.data, .magic = b.magic, .timeline = 7, .start = b.start},
        0);
    builder_fill(&b);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        is_int(undetected_flips(&b, pages[i] * BUILDER_PAGE), 0,
               "every flipped bit is found in the header of page %zu of 128", pages[i]);
    memset(b.data + 64 * BUILDER_PAGE, 0, 64 * BUILDER_PAGE);
    is_int(undetected_flips(&b, 63 * BUILDER_PAGE), 0, "and of the last page before a zero tail");
    is_int(undetected_flips(&b, 64 * BUILDER_PAGE), 0, "and of the zero page after it");
    builder_free(&b);
}

static void test_tails(void)
{
    static const struct {
        enum error_class segment, partial;
        uint64_t start;
        uint32_t timeline;
        const char *what;
    } cases[] = {
        {ERROR_NONE, ERROR_NONE, 0x500000, 2, "recycled from a lower segment"},
        {ERROR_NONE, ERROR_NONE, 0x500000, 1, "recycled from a lower timeline"},
        {ERROR_NONE, ERROR_NONE, 0x900000, 1, "recycled from a higher segment of a lower timeline"},
        {ERROR_NONE, ERROR_NONE, 0x700000, 1, "recycled from the same segment of a lower timeline"},
        {ERROR_CORRUPT, ERROR_NONE, 0x500000, 3, "of a higher timeline"},
        {ERROR_CORRUPT, ERROR_NONE, 0x500000, 0, "of timeline 0"},
        {ERROR_CORRUPT, ERROR_NONE, 0x502000, 2, "of another place in a segment"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wal_builder b = builder_new(7);
        builder_fill(&b);
        builder_stale(&b, 50 * BUILDER_PAGE, cases[i].start, cases[i].timeline);
        is_int(judge(&b, ""), cases[i].segment, "a tail %s", cases[i].what);
        is_int(judge(&b, ".partial"), cases[i].partial, "in a partial: %s", cases[i].what);
        builder_free(&b);
    }
}

/* A timeline's first segment, of which the timeline wrote less than PostgreSQL copied to it. */
static void test_copied_tail(void)
{
    struct wal_builder b = builder_new(7);
    builder_fill(&b);
    builder_repeat(&b, 40 * BUILDER_PAGE, 41 * BUILDER_PAGE);
    is_int(judge(&b, ""), ERROR_NONE, "a tail that repeats the page with the switch point");
    is_int(judge(&b, ".partial"), ERROR_NONE, "in a partial");
    unsigned char *address = b.data + 77 * BUILDER_PAGE + 8;
    builder_put(address, b.start + 78 * BUILDER_PAGE, 8);
    is_int(judge(&b, ""), ERROR_CORRUPT, "but not one from further back");
    builder_put(address, b.start + 40 * BUILDER_PAGE + 8, 8);
    is_int(judge(&b, ""), ERROR_CORRUPT, "nor from within a page");
    builder_repeat(&b, 0, BUILDER_PAGE);
    is_int(judge(&b, ".partial"), ERROR_NONE, "the first page, with its long header");
    b.data[77 * BUILDER_PAGE + 2] ^= 2;
    is_int(judge(&b, ""), ERROR_CORRUPT, "but not without it");
    builder_free(&b);
}

static void test_tail_position(void)
{
    struct wal_builder b = builder_new(7);
    struct wal_name name = builder_name(&b, "");
    struct wal_segment segment;
    builder_fill(&b);
    builder_stale(&b, 100 * BUILDER_PAGE, 0x100000, 1);
    memset(b.data + 50 * BUILDER_PAGE, 0, 50 * BUILDER_PAGE);
    is_int(judge_in_portions(&segment, &name, b.data, BUILDER_SIZE, 10000), ERROR_NONE,
           "zero pages, then stale ones");
    ok(segment.stale_from == 50 * BUILDER_PAGE, "where the tail begins is told");
    memset(b.data + 110 * BUILDER_PAGE, 0, BUILDER_PAGE);
    is_int(judge(&b, ""), ERROR_NONE, "a zero page among stale ones");
    b.offset = 127 * BUILDER_PAGE;
    builder_page(&b, 0);
    is_int(judge(&b, ""), ERROR_CORRUPT, "a page in sequence behind them");
    is_int(judge(&b, ".partial"), ERROR_NONE, "which may be genuine in a partial");
    builder_free(&b);
}

/* One flipped bit makes the last page look like a recycled one. */
static void test_suspect(void)
{
    struct wal_builder b = builder_new(7);
    builder_fill(&b);
    builder_stale(&b, 127 * BUILDER_PAGE, 0x300000, 2);
    is_int(judge(&b, ""), ERROR_CORRUPT, "one stale page, one bit away");
    is_int(judge(&b, ".partial"), ERROR_NONE, "that may be genuine in a partial");
    builder_stale(&b, 127 * BUILDER_PAGE, 0x100000, 2);
    is_int(judge(&b, ""), ERROR_NONE, "one stale page, two bits away");
    builder_stale(&b, 126 * BUILDER_PAGE, 0x300000, 2);
    is_int(judge(&b, ""), ERROR_NONE, "two stale pages, one bit away");
    builder_free(&b);
}

static void test_timelines(void)
{
    struct wal_builder b = builder_new(7);
    builder_record(&b, 300000);
    b.timeline = 3;
    builder_fill(&b);
    is_int(judge(&b, ""), ERROR_NONE, "the timeline may rise within a segment");
    b.timeline = 2;
    is_int(judge(&b, ""), ERROR_CORRUPT, "but not above the name's");
    b.timeline = 3;
    b.data[100 * BUILDER_PAGE + 4] = 2;
    is_int(judge(&b, ""), ERROR_CORRUPT, "and not fall");
    builder_free(&b);
}

static void test_newer(void)
{
    struct wal_builder b = builder_new(7);
    struct wal_name name = builder_name(&b, "");
    struct wal_segment segment;
    b.magic = 0xD200;
    builder_put(b.data, b.magic, 2);
    builder_fill(&b);
    b.data[3] = b.data[BUILDER_PAGE + 3] = 0x40;
    is_int(judge_in_portions(&segment, &name, b.data, BUILDER_SIZE, 4096), ERROR_NONE,
           "a newer release may have flags that are not known");
    ok(!segment.version, "and its version is not known");
    b.data[BUILDER_PAGE] ^= 1;
    is_int(judge(&b, ""), ERROR_CORRUPT, "all pages have the same magic");
    builder_free(&b);
}

int main(void)
{
    test_open();
    test_first_page();
    test_portions();
    test_flips();
    test_tails();
    test_copied_tail();
    test_tail_position();
    test_suspect();
    test_timelines();
    test_newer();
    return done_testing();
}
