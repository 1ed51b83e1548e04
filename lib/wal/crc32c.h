/* wal/crc32c.h - CRC-32C (Castagnoli), as PostgreSQL 9.5 and later use it in WAL records and
 * pg_control. Source: src/include/port/pg_crc32c.h; polynomial 0x1EDC6F41 reflected (RFC 3720 B.4).
 */
#ifndef WAL_CRC32C_H
#define WAL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues a running CRC; start with WAL_CRC32C_INIT and finish with ~crc. Uses the processor's
 * instruction where there is one. */
#define WAL_CRC32C_INIT UINT32_C(0xFFFFFFFF)
uint32_t wal_crc32c(uint32_t crc, const void *data, size_t size);

/* The same from a table, for processors without the instruction; declared so that tests can hold
 * the two against each other. */
uint32_t wal_crc32c_portable(uint32_t crc, const void *data, size_t size);

#endif
