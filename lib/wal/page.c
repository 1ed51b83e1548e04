#include "wal/page.h"
#include "wal/little_endian.h"

/* XLOG_PAGE_MAGIC, src/include/access/xlog_internal.h. Oldest first. */
static const struct release {
    uint16_t magic;
    const char *version;
    enum wal_record_format format;
} releases[] = {
    {0xD075, "9.3", WAL_RECORD_FORMAT_OTHER},  {0xD07E, "9.4", WAL_RECORD_FORMAT_OTHER},
    {0xD087, "9.5", WAL_RECORD_FORMAT_CRC32C}, {0xD093, "9.6", WAL_RECORD_FORMAT_CRC32C},
    {0xD097, "10", WAL_RECORD_FORMAT_CRC32C},  {0xD098, "11", WAL_RECORD_FORMAT_CRC32C},
    {0xD101, "12", WAL_RECORD_FORMAT_CRC32C},  {0xD106, "13", WAL_RECORD_FORMAT_CRC32C},
    {0xD10D, "14", WAL_RECORD_FORMAT_CRC32C},  {0xD110, "15", WAL_RECORD_FORMAT_CRC32C},
    {0xD113, "16", WAL_RECORD_FORMAT_CRC32C},  {0xD116, "17", WAL_RECORD_FORMAT_CRC32C},
    {0xD118, "18", WAL_RECORD_FORMAT_CRC32C},
};

enum { RELEASES = sizeof releases / sizeof releases[0] };

static const struct release *find_release(uint16_t magic)
{
    for (int i = 0; i < RELEASES; i++)
        if (releases[i].magic == magic)
            return &releases[i];
    return NULL;
}

const char *wal_magic_version(uint16_t magic)
{
    const struct release *release = find_release(magic);
    return release ? release->version : NULL;
}

enum wal_record_format wal_magic_record_format(uint16_t magic)
{
    const struct release *release = find_release(magic);
    return release ? release->format : WAL_RECORD_FORMAT_OTHER;
}

/* Between the last magic of 9.2 and the first of 9.3 are those of versions in development, and of
 * forks, that had the new addresses already. */
enum { NEWEST_WITH_LOGS = 0xD071 };

bool wal_magic_skips_ff(uint16_t magic)
{
    return wal_magic_age(magic) == WAL_MAGIC_TOO_OLD && magic <= NEWEST_WITH_LOGS;
}

enum wal_magic_age wal_magic_age(uint16_t magic)
{
    if (magic < 0xD000 || magic > 0xDFFF)
        return WAL_MAGIC_UNKNOWN;
    if (magic < releases[0].magic)
        return WAL_MAGIC_TOO_OLD;
    if (magic > releases[RELEASES - 1].magic)
        return WAL_MAGIC_NEWER;
    return find_release(magic) ? WAL_MAGIC_KNOWN : WAL_MAGIC_UNKNOWN;
}

/* To 9.2 an address was two numbers, log and offset, and how much of a record is to come was not in
 * the header: short 16 bytes, long 32. */
static bool decode_with_logs(const unsigned char *bytes, size_t size, struct wal_page *out)
{
    out->address = (uint64_t)little_endian_32(bytes + 8) << 32 | little_endian_32(bytes + 12);
    if (!(out->flags & WAL_PAGE_LONG_HEADER))
        return true;
    if (size < 32)
        return false;
    out->system_identifier = little_endian_64(bytes + 16);
    out->segment_size = little_endian_32(bytes + 24);
    out->page_size = little_endian_32(bytes + 28);
    return true;
}

static bool decode(const unsigned char *bytes, size_t size, struct wal_page *out)
{
    out->address = little_endian_64(bytes + 8);
    out->remaining_length = little_endian_32(bytes + 16);
    if (!(out->flags & WAL_PAGE_LONG_HEADER))
        return true;
    if (size < WAL_LONG_PAGE_HEADER_SIZE)
        return false;
    out->system_identifier = little_endian_64(bytes + 24);
    out->segment_size = little_endian_32(bytes + 32);
    out->page_size = little_endian_32(bytes + 36);
    return true;
}

bool wal_page_decode(const void *page, size_t size, struct wal_page *out)
{
    const unsigned char *bytes = page;
    *out = (struct wal_page){0};
    if (size < WAL_PAGE_HEADER_SIZE)
        return false;
    out->magic = little_endian_16(bytes);
    out->flags = little_endian_16(bytes + 2);
    out->timeline = little_endian_32(bytes + 4);
    return wal_magic_skips_ff(out->magic) ? decode_with_logs(bytes, size, out)
                                          : decode(bytes, size, out);
}
