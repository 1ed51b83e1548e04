/* Names, page headers, magics, the CRC. Segments, records and history files have files of their
 * own. */
#include "tap.h"
#include "wal/crc32c.h"
#include "wal/name.h"
#include "wal/page.h"

#include <stdlib.h>

static void test_names(void)
{
    static const struct {
        const char *text;
        enum wal_kind kind;
        uint32_t timeline, log, segment, offset;
    } names[] = {
        {"000000010000000000000003", WAL_SEGMENT, 1, 0, 3, 0},
        {"0000000A1234ABCDFFFFFFFF", WAL_SEGMENT, 10, 0x1234ABCD, 0xFFFFFFFF, 0},
        {"000000000000000000000000", WAL_SEGMENT, 0, 0, 0, 0},
        {"FFFFFFFF0000000200000003.partial", WAL_PARTIAL, 0xFFFFFFFF, 2, 3, 0},
        {"0000001F.history", WAL_HISTORY, 31, 0, 0, 0},
        {"000000010000000200000003.00000028.backup", WAL_BACKUP, 1, 2, 3, 0x28},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct wal_name name;
        const char *text = names[i].text;
        ok(wal_name_parse(text, strlen(text), &name), "%s is a name", text);
        ok(name.kind == names[i].kind && name.timeline == names[i].timeline &&
               name.log == names[i].log && name.segment == names[i].segment &&
               name.offset == names[i].offset && !strcmp(name.text, text),
           "%s: kind and numbers", text);
    }
}

static void test_no_names(void)
{
    static const char *const texts[] = {
        "",
        "0",
        "00000001000000000000000",
        "0000000100000000000000031",
        "00000001000000000000000G",
        "00000001000000000000000a",
        "0x0000010000000000000003",
        " 00000010000000000000003",
        "-00000010000000000000003",
        "000000010000000000000003 ",
        "000000010000000000000003\n",
        "000000010000000000000003.PARTIAL",
        "000000010000000000000003.partia",
        "000000010000000000000003.partial.gz",
        "000000010000000000000003.history",
        "000000010000000000000003.zst",
        "./00000000000000000000000",
        "00000001.histor",
        "00000001.histories",
        "0000000g.history",
        "00000001.partial",
        "000000010000000000000003.backup",
        "000000010000000000000003.00000028.backups",
        "000000010000000000000003.0000028.backup",
        "000000010000000000000003.0000002x.backup",
        "000000010000000000000003x00000028.backup",
        "000000010000000000000003.00000028xbackup",
        "RECOVERYXLOG",
    };
    struct wal_name name;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ok(!wal_name_parse(texts[i], strlen(texts[i]), &name), "\"%.23s%s\" is no name", texts[i],
           strlen(texts[i]) > 23 ? "..." : "");
    ok(!wal_name_parse("00000001000000000000000\0", 24, &name), "nor is one with a zero byte");
    ok(wal_name_parse("000000010000000000000003.zst", 24, &name) &&
           !strcmp(name.text, "000000010000000000000003"),
       "only the bytes that were given are looked at");
}

static void is_address(const char *text, uint64_t segment_size, uint64_t expected)
{
    struct wal_name name;
    uint64_t address = 0;
    wal_name_parse(text, strlen(text), &name);
    ok(wal_name_address(&name, segment_size, &address) && address == expected,
       "%s of %" PRIu64 " begins at %" PRIX64, text, segment_size, expected);
}

static void test_addresses(void)
{
    const uint64_t mega = 1024 * 1024;
    struct wal_name name;
    uint64_t address;
    is_address("000000010000000000000003", 16 * mega, 0x3000000);
    is_address("0000000100000002000000FF", 16 * mega, 0x2FF000000);
    is_address("000000010000000200000FFF", mega, 0x2FFF00000);
    is_address("00000001FFFFFFFF00000003", 1024 * mega, 0xFFFFFFFFC0000000);
    is_address("000000010000000000000003.partial", 16 * mega, 0x3000000);
    wal_name_parse("000000010000000000000100", 24, &name);
    ok(!wal_name_address(&name, 16 * mega, &address), "16 MB: the third group ends at FF");
    ok(wal_name_address(&name, mega, &address), "1 MB: it goes on");
    ok(!wal_name_address(&name, 0, &address), "segments of no bytes have no address");
}

static void test_kinds(void)
{
    is_string(wal_kind_text(WAL_SEGMENT), "WAL segment", "a segment has a name for people");
    is_string(wal_kind_text(WAL_PARTIAL), "partial WAL segment", "a partial too");
    is_string(wal_kind_text(WAL_HISTORY), "timeline history file", "a history file too");
    is_string(wal_kind_text(WAL_BACKUP), "backup history file", "a backup history file too");
}

static void test_magics(void)
{
    static const struct {
        uint16_t magic;
        const char *version;
    } known[] = {
        {0xD075, "9.3"}, {0xD07E, "9.4"}, {0xD087, "9.5"}, {0xD093, "9.6"}, {0xD097, "10"},
        {0xD098, "11"},  {0xD101, "12"},  {0xD106, "13"},  {0xD10D, "14"},  {0xD110, "15"},
        {0xD113, "16"},  {0xD116, "17"},  {0xD118, "18"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        is_string(wal_magic_version(known[i].magic), known[i].version, "%04X is PostgreSQL %s",
                  known[i].magic, known[i].version);
        ok(wal_magic_age(known[i].magic) == WAL_MAGIC_KNOWN, "%04X is known", known[i].magic);
        is_int(wal_magic_record_format(known[i].magic),
               known[i].magic < 0xD087 ? WAL_RECORD_FORMAT_OTHER : WAL_RECORD_FORMAT_CRC32C,
               "%04X: which records", known[i].magic);
    }
    ok(wal_magic_age(0xD071) == WAL_MAGIC_TOO_OLD, "9.2 is too old");
    ok(wal_magic_age(0xD066) == WAL_MAGIC_TOO_OLD, "9.1 is too old");
    ok(wal_magic_age(0xD119) == WAL_MAGIC_NEWER, "D119 is newer");
    ok(wal_magic_age(0xDFFF) == WAL_MAGIC_NEWER, "DFFF is newer");
    ok(wal_magic_age(0xD111) == WAL_MAGIC_UNKNOWN, "D111, between releases, is unknown");
    ok(wal_magic_age(0xCFFF) == WAL_MAGIC_UNKNOWN, "CFFF is unknown");
    ok(wal_magic_age(0xE000) == WAL_MAGIC_UNKNOWN, "E000 is unknown");
    ok(wal_magic_age(0) == WAL_MAGIC_UNKNOWN, "0 is unknown");
    ok(!wal_magic_version(0xD119), "no version for a newer magic");
    is_int(wal_magic_record_format(0xD119), WAL_RECORD_FORMAT_OTHER, "nor a record format");
}

static void test_page_decode(void)
{
    /* one byte off, as no page ever is: the header need not be aligned */
    static const unsigned char bytes[41] = {
        0,    0x10, 0xD1, 0x06, 0,    0x04, 0x03, 0x02, 0x01, 0x18, 0x17, 0x16, 0x15, 0x14,
        0x13, 0x12, 0x11, 0x24, 0x23, 0x22, 0x21, 0,    0,    0,    0,    0x38, 0x37, 0x36,
        0x35, 0x34, 0x33, 0x32, 0x31, 0,    0,    0,    1,    0,    0x20, 0,    0};
    struct wal_page page;
    ok(wal_page_decode(bytes + 1, 40, &page), "a long header");
    is_int(page.magic, 0xD110, "its magic");
    is_int(page.flags, 6, "its flags");
    is_int(page.timeline, 0x01020304, "its timeline");
    ok(page.address == 0x1112131415161718, "its address");
    is_int(page.remaining_length, 0x21222324, "its remaining length");
    ok(page.system_identifier == 0x3132333435363738, "its system identifier");
    is_int(page.segment_size, 16 * 1024 * 1024, "its segment size");
    is_int(page.page_size, 8192, "its page size");
    ok(!wal_page_decode(bytes + 1, 39, &page), "a long header needs 40 bytes");
    unsigned char shorter[24];
    memcpy(shorter, bytes + 1, sizeof shorter);
    shorter[2] = 5;
    ok(wal_page_decode(shorter, 24, &page), "a short header needs 24 bytes");
    ok(page.segment_size == 0 && page.page_size == 0 && page.system_identifier == 0,
       "and has none of the long fields");
    ok(!wal_page_decode(shorter, 23, &page), "23 bytes are too few");
    ok(!wal_page_decode(shorter, 0, &page), "none are too few");
}

/* To 9.2: an address in two halves, the system identifier from byte 16 on. */
static void test_old_pages(void)
{
    static const unsigned char bytes[32] = {
        0x71, 0xD0, 0x06, 0,    0x04, 0x03, 0x02, 0x01, 0x02, 0, 0, 0, 0, 0,    0, 0xFE,
        0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31, 0,    0, 0, 1, 0, 0x20, 0, 0};
    static const uint16_t old[] = {0xD05C, 0xD063, 0xD064, 0xD066, 0xD071};
    static const uint16_t later[] = {0xD072, 0xD074, 0xD075, 0xD118, 0xD200, 0xCFFF, 0};
    struct wal_page page;
    ok(wal_page_decode(bytes, 32, &page), "a long header of 9.2");
    is_int(page.magic, 0xD071, "its magic");
    is_int(page.timeline, 0x01020304, "its timeline");
    ok(page.address == 0x2FE000000, "its address");
    ok(page.system_identifier == 0x3132333435363738, "its system identifier");
    is_int(page.segment_size, 16 * 1024 * 1024, "its segment size");
    is_int(page.page_size, 8192, "its page size");
    is_int(page.remaining_length, 0, "it does not say what remains of a record");
    ok(!wal_page_decode(bytes, 31, &page), "it needs 32 bytes");
    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++)
        ok(wal_magic_skips_ff(old[i]) && wal_magic_age(old[i]) == WAL_MAGIC_TOO_OLD,
           "%04X: no last segment in a log", old[i]);
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        ok(!wal_magic_skips_ff(later[i]), "%04X: a last segment in each log", later[i]);
}

static void test_crc(void)
{
    unsigned char zero[32] = {0}, bytes[1000];
    is_int((uint32_t)~wal_crc32c(WAL_CRC32C_INIT, "123456789", 9), 0xE3069283,
           "CRC-32C check value");
    is_int((uint32_t)~wal_crc32c(WAL_CRC32C_INIT, zero, 32), 0x8A9136AA, "RFC 3720 B.4: zeros");
    is_int((uint32_t)~wal_crc32c_portable(WAL_CRC32C_INIT, "123456789", 9), 0xE3069283,
           "the table's check value");
    is_int(wal_crc32c(7, zero, 0), 7, "no bytes change nothing");
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * i >> 3 ^ i);
    size_t differ = 0;
    for (size_t from = 0; from < 16; from++)
        for (size_t size = 0; size < sizeof bytes - 16; size++)
            differ +=
                wal_crc32c(42, bytes + from, size) != wal_crc32c_portable(42, bytes + from, size);
    is_int(differ, 0, "processor and table agree at every alignment and length");
    is_int(wal_crc32c(wal_crc32c(42, bytes, 333), bytes + 333, 667), wal_crc32c(42, bytes, 1000),
           "a CRC goes on where it was left");
}

int main(void)
{
    test_names();
    test_no_names();
    test_addresses();
    test_kinds();
    test_magics();
    test_page_decode();
    test_old_pages();
    test_crc();
    return done_testing();
}
