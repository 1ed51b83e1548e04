/* When the newest transaction of a segment ended. */
#include "base/error.h"
#include "tap.h"
#include "wal/record.h"
#include "wal_builder.h"

static struct error error;
static struct wal_walk walk;
static struct wal_carry carry;

static enum error_class check_next(const struct wal_builder *b)
{
    struct wal_name name = builder_name(b, "");
    error = (struct error){ERROR_NONE, ""};
    memset(&walk, 0xEE, sizeof walk);
    wal_record_check_next(&name, b->data, BUILDER_SIZE, &carry, &walk, &error);
    return error.class;
}

static enum error_class check_first(const struct wal_builder *b)
{
    carry = (struct wal_carry){0};
    return check_next(b);
}

static const int64_t from_1970_to_2000 = 946684800000000;

/* A record whose data, `size` bytes, begins with a time; before it go the parts at `parts`. */
static void builder_time(struct wal_builder *b, int64_t time, const char *parts, size_t parts_size,
                         uint32_t size, uint8_t manager, uint8_t info)
{
    unsigned char bytes[600] = {0};
    size_t at = parts_size;
    memcpy(bytes, parts, parts_size);
    bytes[at++] = size < 256 ? 255 : 254;
    builder_put(bytes + at, size, size < 256 ? 1 : 4);
    at += size < 256 ? 1 : 4;
    builder_put(bytes + at, (uint64_t)time - (uint64_t)from_1970_to_2000, 8);
    builder_record_with(b, bytes, (uint32_t)at + size, manager, info);
}

static void test_commit_time(void)
{
    static const struct {
        const char *what;
        uint8_t manager, info;
        int64_t time;
        uint32_t size;
        size_t parts_size;
        const char *parts;
    } of[] = {
        {"COMMIT", 1, 0x00, 1764286964123456, 8, 0, ""},
        {"COMMIT with more", 1, 0x80, 1764286964123457, 20, 0, ""},
        {"COMMIT with much more", 1, 0x80, 1764286964123458, 300, 0, ""},
        {"ABORT", 1, 0x20, 1764286964123459, 8, 0, ""},
        {"COMMIT PREPARED", 1, 0xB0, 1764286964123460, 24, 0, ""},
        {"ROLLBACK PREPARED", 1, 0xC0, 1764286964123461, 24, 0, ""},
        {"an origin", 1, 0x80, 1764286964123462, 40, 3, "\xFD\x01\x02"},
        {"an upper transaction", 1, 0x80, 1764286964123463, 40, 5, "\xFC\x01\x02\x03\x04"},
        {"both", 1, 0x80, 1764286964123464, 400, 8, "\xFD\x01\x02\xFC\x01\x02\x03\x04"},
        {"before 2000", 1, 0x00, -5, 8, 0, ""},
        {"PREPARE", 1, 0x10, WAL_TIME_NONE, 80, 0, ""},
        {"ASSIGNMENT", 1, 0x50, WAL_TIME_NONE, 80, 0, ""},
        {"INVALIDATIONS", 1, 0x60, WAL_TIME_NONE, 80, 0, ""},
        {"a restore point, at which no recovery to a time stops", 0, 0x70, WAL_TIME_NONE, 72, 0,
         ""},
        {"another manager's", 10, 0x00, WAL_TIME_NONE, 8, 0, ""},
        {"data too short for a time", 1, 0x00, WAL_TIME_NONE, 7, 0, ""},
        {"an unknown part before it", 1, 0x00, WAL_TIME_NONE, 8, 3, "\xFB\x01\x02"},
    };
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        struct wal_builder b = builder_new(3);
        int64_t written = of[i].time == WAL_TIME_NONE ? 1764286964123456 : of[i].time;
        builder_time(&b, written, of[i].parts, of[i].parts_size, of[i].size, of[i].manager,
                     of[i].info);
        builder_switch(&b);
        check_first(&b);
        ok(error.class == ERROR_NONE && walk.records == 2 && walk.commit_time == of[i].time,
           "%s: %" PRIi64, of[i].what, walk.commit_time);
        builder_free(&b);
    }
}

static void test_newest_time(void)
{
    struct wal_builder a = builder_new(3);
    for (size_t end = BUILDER_PAGE; end < BUILDER_SIZE; end += BUILDER_PAGE)
        builder_record_up_to(&a, end);
    builder_record_up_to(&a, BUILDER_SIZE - 32);
    builder_time(&a, 3000, "", 0, 8, 1, 0);
    struct wal_builder b = builder_after(&a);
    builder_record(&b, 50);
    is_int(check_first(&a), ERROR_NONE, "a commit that crosses the border");
    ok(walk.commit_time == WAL_TIME_NONE, "is not of the segment it begins in");
    is_int(check_next(&b), ERROR_NONE, "(the next segment)");
    ok(walk.commit_time == 3000, "but of the one it ends in");
    builder_time(&b, 5000, "", 0, 8, 1, 0);
    builder_time(&b, 4000, "", 0, 8, 1, 0x20);
    check_first(&a);
    check_next(&b);
    ok(walk.commit_time == 5000, "not the last but the newest counts");
    check_first(&b);
    ok(walk.commit_time == 5000, "alone as well");
    builder_free(&a);
    builder_free(&b);

    a = builder_new(3);
    builder_time(&a, (int64_t)((uint64_t)INT64_MAX + (uint64_t)from_1970_to_2000), "", 0, 8, 1, 0);
    is_int(check_first(&a), ERROR_NONE, "a time beyond all bounds");
    ok(walk.commit_time == WAL_TIME_NONE, "is none");
    builder_free(&a);

    a = builder_new(3);
    for (size_t page = 1; page < 6; page++) {
        builder_record_up_to(&a, page * BUILDER_PAGE - 24 + 8 * (page % 3));
        builder_time(&a, (int64_t)page, "\xFD\x01\x02", 3, 8, 1, 0);
        check_first(&a);
        ok(walk.commit_time == (int64_t)page, "split by a page's end: %zu", page);
    }
    builder_free(&a);
}

int main(void)
{
    test_commit_time();
    test_newest_time();
    return done_testing();
}
