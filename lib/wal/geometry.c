#include "wal/geometry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many segments a log has: 4 GiB, and before 9.3 one less than that. */
static uint64_t per_log(const struct wal_geometry *geometry)
{
    return (UINT64_C(1) << 32) / geometry->segment_size - geometry->skips_last;
}

bool wal_geometry_number(const struct wal_geometry *geometry, const struct wal_name *name,
                         uint64_t *number)
{
    *number = name->log * per_log(geometry) + name->segment;
    return name->kind != WAL_HISTORY && name->segment < per_log(geometry);
}

uint64_t wal_geometry_number_at(const struct wal_geometry *geometry, uint64_t address)
{
    uint64_t segment = (uint32_t)address / geometry->segment_size;
    return (address >> 32) * per_log(geometry) + segment;
}

uint64_t wal_geometry_address(const struct wal_geometry *geometry, uint64_t number)
{
    return (number / per_log(geometry) << 32) + number % per_log(geometry) * geometry->segment_size;
}

bool wal_lsn_parse(const char *text, uint64_t *address)
{
    static const char digits[] = "0123456789ABCDEFabcdef";
    size_t high = strspn(text, digits);
    if (high < 1 || high > 8 || text[high] != '/')
        return false;
    const char *second = text + high + 1;
    size_t low = strspn(second, digits);
    *address = (uint64_t)strtoul(text, NULL, 16) << 32 | strtoul(second, NULL, 16);
    return low >= 1 && low <= 8 && !second[low];
}

struct wal_name wal_geometry_name(const struct wal_geometry *geometry, uint32_t timeline,
                                  uint64_t number)
{
    struct wal_name name = {
        .kind = WAL_SEGMENT,
        .timeline = timeline,
        .log = (uint32_t)(number / per_log(geometry)),
        .segment = (uint32_t)(number % per_log(geometry)),
    };
    snprintf(name.text, sizeof name.text, "%08" PRIX32 "%08" PRIX32 "%08" PRIX32, timeline,
             name.log, name.segment);
    return name;
}
