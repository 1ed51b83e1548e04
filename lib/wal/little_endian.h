/* wal/little_endian.h - numbers out of bytes that need not be aligned. Private to wal/. */
#ifndef WAL_LITTLE_ENDIAN_H
#define WAL_LITTLE_ENDIAN_H

#include <stdint.h>

static inline uint16_t little_endian_16(const unsigned char *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline uint32_t little_endian_32(const unsigned char *bytes)
{
    return little_endian_16(bytes) | (uint32_t)little_endian_16(bytes + 2) << 16;
}

static inline uint64_t little_endian_64(const unsigned char *bytes)
{
    return little_endian_32(bytes) | (uint64_t)little_endian_32(bytes + 4) << 32;
}

#endif
